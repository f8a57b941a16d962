/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "varlink/message.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static int parse(enum message_kind kind, const char *text, struct message *ret) {
    return message_parse(kind, text, strlen(text), ret);
}

static void test_call(void **state _unused_) {
    struct message m;

    assert_int_equal(parse(MESSAGE_CALL, "{\"method\":\"io.portd.Status\"}", &m), 0);
    assert_string_equal(m.method, "io.portd.Status");
    assert_null(m.parameters);
    assert_false(m.more || m.oneway || m.upgrade);
    message_clear(&m);

    assert_int_equal(parse(MESSAGE_CALL,
                           "{\"method\":\"io.portd.Watch\",\"parameters\":{\"a\":[{}]},"
                           "\"more\":true,\"oneway\":false}",
                           &m),
                     0);
    assert_true(m.more);
    assert_false(m.oneway);
    assert_int_equal(json_object_size(m.parameters), 1);
    message_clear(&m);
}

static void test_refused_calls(void **state _unused_) {
    static const char *const texts[] = {
        "",
        "x",
        "null",
        "[]",
        "{}",
        "\"io.portd.Status\"",
        "{\"method\":1}",
        "{\"method\":null}",
        "{\"method\":\"Status\"}",
        "{\"method\":\".Status\"}",
        "{\"method\":\"io.portd.\"}",
        "{\"method\":\"io.portd.Sta tus\"}",
        "{\"method\":\"io.portd.\\u001b[31m\"}",
        "{\"method\":\"a.b\",\"parameters\":[]}",
        "{\"method\":\"a.b\",\"parameters\":null}",
        "{\"method\":\"a.b\",\"more\":1}",
        "{\"method\":\"a.b\",\"more\":true,\"oneway\":true}",
        "{\"method\":\"a.b\",\"upgrade\":true,\"oneway\":true}",
        "{\"method\":\"a.b\",\"continues\":true}",
        "{\"method\":\"a.b\",\"error\":\"a.b\"}",
        "{\"method\":\"a.b\",\"unknown\":true}",
        "{\"method\":\"a.b\",\"method\":\"a.c\"}",
        "{\"method\":\"a.b\"} {}",
        "{\"method\":\"a.b\",\"parameters\":{\"a\":\"\\u0000\"}}",
        "{\"method\":\"a.b\",\"parameters\":{\"a\":\"\xff\"}}",
    };
    struct message m;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (parse(MESSAGE_CALL, texts[i], &m) != MESSAGE_E_INVALID)
            fail_msg("not refused: %s", texts[i]);
}

static void test_long_name(void **state _unused_) {
    char name[MESSAGE_METHOD_MAX + 2], text[400];
    struct message m;

    memset(name, 'a', sizeof(name));
    name[1] = '.';
    name[MESSAGE_METHOD_MAX] = '\0';
    snprintf(text, sizeof(text), "{\"method\":\"%s\"}", name);
    assert_int_equal(parse(MESSAGE_CALL, text, &m), 0);
    message_clear(&m);
    name[MESSAGE_METHOD_MAX] = 'a';
    name[MESSAGE_METHOD_MAX + 1] = '\0';
    snprintf(text, sizeof(text), "{\"method\":\"%s\"}", name);
    assert_int_equal(parse(MESSAGE_CALL, text, &m), MESSAGE_E_INVALID);
}

/* `depth` objects and arrays in all: the message, its parameters and the arrays. */
static int parse_nested(unsigned depth) {
    char text[400] = "{\"method\":\"a.b\",\"parameters\":{\"s\":\"[[\\\"[[\",\"a\":";
    struct message m;
    int r;

    for (unsigned i = 2; i < depth; i++)
        strcat(text, "[");
    for (unsigned i = 2; i < depth; i++)
        strcat(text, "]");
    strcat(text, "}}");
    r = parse(MESSAGE_CALL, text, &m);
    if (r == 0)
        message_clear(&m);
    return r;
}

static void test_depth(void **state _unused_) {
    assert_int_equal(parse_nested(MESSAGE_DEPTH_MAX), 0);
    assert_int_equal(parse_nested(MESSAGE_DEPTH_MAX + 1), MESSAGE_E_INVALID);
}

static void test_reply(void **state _unused_) {
    struct message m;

    assert_int_equal(parse(MESSAGE_REPLY, "{\"parameters\":{\"a\":1},\"continues\":true}", &m), 0);
    assert_true(m.continues);
    assert_null(m.error);
    assert_int_equal(json_integer_value(json_object_get(m.parameters, "a")), 1);
    message_clear(&m);
    assert_int_equal(parse(MESSAGE_REPLY, "{\"error\":\"io.portd.Invalid\"}", &m), 0);
    assert_string_equal(m.error, "io.portd.Invalid");
    message_clear(&m);
    assert_int_equal(parse(MESSAGE_REPLY, "{\"error\":\"a.b\",\"continues\":true}", &m),
                     MESSAGE_E_INVALID);
    assert_int_equal(parse(MESSAGE_REPLY, "{\"method\":\"a.b\"}", &m), MESSAGE_E_INVALID);
}

/* What one end builds the other reads. */
static void test_build_and_parse(void **state _unused_) {
    json_t *parameters = json_pack("{ss}", "reason", "why \"so\"\n");
    _cleanup_(freep) char *call = message_call("io.portd.Reload", parameters, true);
    _cleanup_(freep) char *reply = message_reply(parameters, true);
    _cleanup_(freep) char *error = message_error("io.portd.Refused", parameters);
    struct message m;

    assert_int_equal(parse(MESSAGE_CALL, call, &m), 0);
    assert_string_equal(m.method, "io.portd.Reload");
    assert_true(m.more && json_equal(m.parameters, parameters));
    message_clear(&m);
    assert_int_equal(parse(MESSAGE_REPLY, reply, &m), 0);
    assert_true(m.continues && json_equal(m.parameters, parameters));
    message_clear(&m);
    assert_int_equal(parse(MESSAGE_REPLY, error, &m), 0);
    assert_string_equal(m.error, "io.portd.Refused");
    assert_true(json_equal(m.parameters, parameters));
    message_clear(&m);
    json_decref(parameters);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_call),      cmocka_unit_test(test_refused_calls),
        cmocka_unit_test(test_long_name), cmocka_unit_test(test_depth),
        cmocka_unit_test(test_reply),     cmocka_unit_test(test_build_and_parse),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
