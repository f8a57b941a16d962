/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "varlink/interface.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* The library answers with the file, byte for byte. */
static void test_description_is_the_file(void **state _unused_) {
    for (size_t i = 0; i < INTERFACE_COUNT; i++) {
        char path[4096], text[32768];
        size_t n;
        FILE *f;

        snprintf(path, sizeof(path), SOURCE_DIR "/lib/varlink/%s.varlink", interfaces[i].name);
        f = fopen(path, "re");
        assert_non_null(f);
        n = fread(text, 1, sizeof(text) - 1, f);
        text[n] = '\0';
        fclose(f);
        assert_string_equal(interfaces[i].description, text);
    }
}

static void test_find(void **state _unused_) {
    const struct interface *i = interface_find("io.portd.Status", strlen("io.portd"));

    assert_non_null(i);
    assert_string_equal(i->name, INTERFACE_PORTD);
    assert_null(interface_find("io.port", 7));
    assert_null(interface_find("io.portd.x", 10));
    assert_null(interface_find("", 0));
}

static bool is_declared(const char *description, const char *keyword, const char *name) {
    _cleanup_(freep) char *line = NULL;

    assert_true(asprintf(&line, "\n%s %s(", keyword, name) > 0);
    return strstr(description, line);
}

/* Every error that the code can send is in the description. */
static void test_errors_are_declared(void **state _unused_) {
    static const char *const errors[] = {
        ERROR_INVALID,
        ERROR_REFUSED,
        ERROR_BAD_QUERY,
        ERROR_FAILED,
        ERROR_INTERFACE_NOT_FOUND,
        ERROR_METHOD_NOT_FOUND,
        ERROR_METHOD_NOT_IMPLEMENTED,
        ERROR_INVALID_PARAMETER,
        ERROR_PERMISSION_DENIED,
        ERROR_EXPECTED_MORE,
    };

    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        const char *dot = strrchr(errors[i], '.');
        const struct interface *in = interface_find(errors[i], (size_t)(dot - errors[i]));

        assert_non_null(in);
        if (!is_declared(in->description, "error", dot + 1))
            fail_msg("%s is not declared", errors[i]);
    }
}

/* Every method, type, error and field has a comment in the line above. */
static void test_all_is_documented(void **state _unused_) {
    _cleanup_(freep) char *text =
        strdup(interface_find(INTERFACE_PORTD, strlen(INTERFACE_PORTD))->description);
    bool was_comment = false;
    char *rest = text;
    const char *line;

    while ((line = strsep(&rest, "\n"))) {
        const char *word = line + strspn(line, " ");
        bool is_named = strncmp(word, "method ", 7) == 0 || strncmp(word, "type ", 5) == 0 ||
                        strncmp(word, "error ", 6) == 0 || strstr(word, ": ");

        if (*word != '#' && is_named && !was_comment)
            fail_msg("not documented: %s", line);
        was_comment = *word == '#';
    }
}

/* The name of what a line declares, or NULL. */
static const char *declared_name(const char *line, size_t *ret_len) {
    static const char *const keywords[] = { "type ", "method ", "error " };

    for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
        size_t n = strlen(keywords[i]);

        if (strncmp(line, keywords[i], n) == 0) {
            *ret_len = strcspn(line + n, " (");
            return line + n;
        }
    }
    return NULL;
}

static const char *next_line(const char *text) {
    return text + strcspn(text, "\n") + (strchr(text, '\n') ? 1 : 0);
}

/* Types, methods and errors share their names: systemd refuses a description otherwise. */
static void test_names_are_unique(void **state _unused_) {
    const char *text = interface_find(INTERFACE_PORTD, strlen(INTERFACE_PORTD))->description;

    for (const char *a = text; *a; a = next_line(a)) {
        size_t len_a, len_b;
        const char *name_a = declared_name(a, &len_a), *name_b;

        for (const char *b = next_line(a); name_a && *b; b = next_line(b)) {
            name_b = declared_name(b, &len_b);
            if (name_b && len_a == len_b && strncmp(name_a, name_b, len_a) == 0)
                fail_msg("declared twice: %.*s", (int)len_a, name_a);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_description_is_the_file), cmocka_unit_test(test_find),
        cmocka_unit_test(test_errors_are_declared),     cmocka_unit_test(test_all_is_documented),
        cmocka_unit_test(test_names_are_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
