/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/resolver/outcome.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void set(struct outcome *o, enum family f, unsigned n, uint32_t ttl) {
    struct address items[ANSWER_ADDRESSES_MAX] = { 0 };

    for (unsigned i = 0; i < n; i++)
        items[i] = (struct address){ { 192, (uint8_t)f, (uint8_t)(i >> 8), (uint8_t)i } };
    answer_set(&o->answers[f], items, n, ttl);
}

/* Judged, and as portd is told. */
static void expect(struct outcome *o, const char *want) {
    _cleanup_(freep) char *got = NULL;
    json_t *call;

    outcome_judge(o);
    call = outcome_json(o, "a.b");
    assert_non_null(call);
    got = json_dumps(call, JSON_COMPACT | JSON_SORT_KEYS);
    json_decref(call);
    assert_string_equal(got, want);
    outcome_clear(o);
}

static void test_whole(void **state _unused_) {
    struct outcome o = { 0 };
    uint32_t ttl = 0;

    set(&o, FAMILY_IPV4, 2, 60);
    set(&o, FAMILY_IPV6, 1, 30);
    outcome_judge(&o);
    assert_true(outcome_is_whole(&o));
    assert_true(outcome_ttl(&o, &ttl));
    assert_int_equal(ttl, 30);
    expect(&o, "{\"ipv4\":{\"addresses\":[\"192.0.0.0\",\"192.0.0.1\"],\"ttl\":60},"
               "\"ipv6\":{\"addresses\":[\"c001::\"],\"ttl\":30},\"name\":\"a.b\"}");
}

/* That a name has no IPv6 holds as long as its IPv4. */
static void test_one_family(void **state _unused_) {
    struct outcome o = { 0 };

    set(&o, FAMILY_IPV4, 1, 60);
    set(&o, FAMILY_IPV6, 0, 0);
    outcome_judge(&o);
    assert_true(outcome_is_whole(&o));
    expect(&o, "{\"ipv4\":{\"addresses\":[\"192.0.0.0\"],\"ttl\":60},"
               "\"ipv6\":{\"addresses\":[],\"ttl\":60},\"name\":\"a.b\"}");
}

static void test_failures(void **state _unused_) {
    struct outcome o = { 0 };
    uint32_t ttl;

    assert_false(outcome_is_whole(&o));
    outcome_fail(&o, "NXDOMAIN");
    assert_false(outcome_is_whole(&o));
    assert_false(outcome_ttl(&o, &ttl));
    expect(&o, "{\"error\":\"NXDOMAIN\",\"name\":\"a.b\"}");
    set(&o, FAMILY_IPV4, 1, 60);
    answer_fail(&o.answers[FAMILY_IPV6], "SERVFAIL");
    expect(&o, "{\"error\":\"IPv6: SERVFAIL\",\"ipv4\":{\"addresses\":[\"192.0.0.0\"],\"ttl\":60},"
               "\"name\":\"a.b\"}");
    answer_fail(&o.answers[FAMILY_IPV4], "SERVFAIL");
    answer_fail(&o.answers[FAMILY_IPV6], "NXDOMAIN");
    expect(&o, "{\"error\":\"IPv4: SERVFAIL; IPv6: NXDOMAIN\",\"name\":\"a.b\"}");
}

/* No address at all, or none of one family and no word of the other: nothing to believe. */
static void test_empty(void **state _unused_) {
    struct outcome o = { 0 };

    set(&o, FAMILY_IPV4, 0, 0);
    set(&o, FAMILY_IPV6, 0, 0);
    expect(&o, "{\"error\":\"no addresses\",\"name\":\"a.b\"}");
    set(&o, FAMILY_IPV4, 0, 0);
    answer_fail(&o.answers[FAMILY_IPV6], "SERVFAIL");
    expect(&o, "{\"error\":\"IPv4: no addresses; IPv6: SERVFAIL\",\"name\":\"a.b\"}");
}

/* Both families count together, as they do for portd. */
static void test_many(void **state _unused_) {
    struct outcome o = { 0 };

    set(&o, FAMILY_IPV4, 200, 60);
    set(&o, FAMILY_IPV6, 56, 60);
    outcome_judge(&o);
    assert_true(outcome_is_whole(&o));
    set(&o, FAMILY_IPV6, 57, 60);
    expect(&o, "{\"error\":\"257 addresses, more than the 256 that are taken\",\"name\":\"a.b\"}");
}

/* The longest errors fit, in a line that portd takes. */
static void test_long_errors(void **state _unused_) {
    char text[2 * ANSWER_ERROR_MAX];
    struct outcome o = { 0 };

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    answer_fail(&o.answers[FAMILY_IPV4], "4%s", text);
    answer_fail(&o.answers[FAMILY_IPV6], "6%s", text);
    outcome_judge(&o);
    assert_int_equal(strlen(o.error), 2 * (strlen("IPv4: ") + ANSWER_ERROR_MAX - 1) + strlen("; "));
    outcome_clear(&o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),    cmocka_unit_test(test_one_family),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_many),     cmocka_unit_test(test_long_errors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
