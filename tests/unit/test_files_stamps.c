/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files/stamps.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct stamps stamps_of(const struct source *policies, size_t n_policies,
                               const struct source *site, size_t n_site) {
    _cleanup_(files_freep) struct files *files = NULL;
    struct stamps s;

    assert_int_equal(files_copy(policies, n_policies, site, n_site, &files), 0);
    assert_int_equal(stamps_take(files, &s), 0);
    return s;
}

/* The lines in one text. */
static void expect(const struct stamps *then, const struct stamps *now, const char *want) {
    char text[1000] = "", **lines;
    size_t n;

    assert_int_equal(stamps_compare(then, now, &lines, &n), 0);
    for (size_t i = 0; i < n; i++) {
        strcat(strcat(text, lines[i]), "\n");
        free(lines[i]);
    }
    assert_null(lines[n]);
    free(lines);
    assert_string_equal(text, want);
}

static void test_compare(void **state _unused_) {
    const struct source site[] = { { "site.json", "{}", 2 }, { "site.d/a.json", "{}", 2 } };
    const struct source other_site[] = { { "site.json", "{ }", 3 }, { "site.d/b.json", "{}", 2 } };
    const struct source policies[] = { { "a.json", "1", 1 }, { "b.json", "2", 1 } };
    const struct source other_policies[] = { { "etc/a.json", "1", 1 }, { "b.json", "2", 1 } };
    struct stamps then = stamps_of(policies, 2, site, 2), same = stamps_of(policies, 2, site, 2);
    struct stamps now = stamps_of(other_policies, 2, other_site, 2);
    struct stamps none = { 0 };

    expect(&then, &same, "");
    expect(&then, &now,
           "site.json changed\nsite.d/b.json was added\nsite.d/a.json was removed or overridden\n"
           "etc/a.json was added\na.json was removed or overridden\n");
    expect(&none, &none, "");
    stamps_clear(&then);
    stamps_clear(&same);
    stamps_clear(&now);
}

/* What is behind a NUL counts, too. */
static void test_bytes(void **state _unused_) {
    const struct source a[] = { { "a.json", "x\0y", 3 } }, b[] = { { "a.json", "x\0z", 3 } };
    struct stamps then = stamps_of(a, 1, NULL, 0), now = stamps_of(b, 1, NULL, 0);

    expect(&then, &now, "a.json changed\n");
    stamps_clear(&then);
    stamps_clear(&now);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
