/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/report.h"

#include "loading.h"

static void assert_prints(struct report *r, const char *expected) {
    _cleanup_(freep) char *text = report_take_text(r);

    assert_string_equal(text, expected);
}

static void test_places(_unused_ void **state) {
    struct report r = REPORT_INIT;

    assert_true(report_is_empty(&r));
    report_add(&r, (struct place){ 0 }, "nowhere");
    report_add(&r, (struct place){ .file = "f" }, "as a whole");
    report_add(&r, (struct place){ "f", "", 1, 2 }, "at the top");
    report_add(&r, (struct place){ "f", "/a/0", 3, 4 }, "inside: %d", 5);
    assert_false(report_is_empty(&r));
    assert_prints(&r, "nowhere\n"
                      "f: as a whole\n"
                      "f:1:2: at the top\n"
                      "f:3:4: /a/0: inside: 5\n");
    assert_true(report_is_empty(&r));
}

static void test_strings_are_copied(_unused_ void **state) {
    struct report r = REPORT_INIT;
    char file[] = "f", pointer[] = "/p";

    report_add(&r, (struct place){ file, pointer, 1, 1 }, "x");
    file[0] = pointer[1] = '?';
    assert_prints(&r, "f:1:1: /p: x\n");
}

static void test_sort(_unused_ void **state) {
    struct report r = REPORT_INIT;

    report_add(&r, (struct place){ "b", NULL, 1, 1 }, "5");
    report_add(&r, (struct place){ "a", NULL, 10, 1 }, "4");
    report_add(&r, (struct place){ "a", NULL, 9, 12 }, "3");
    report_add(&r, (struct place){ "a", NULL, 9, 2 }, "2");
    report_add(&r, (struct place){ 0 }, "1");
    report_sort(&r);
    assert_prints(&r, "1\na:9:2: 2\na:9:12: 3\na:10:1: 4\nb:1:1: 5\n");
}

static void test_too_many_are_counted(_unused_ void **state) {
    struct report r = REPORT_INIT, other = REPORT_INIT;

    for (unsigned i = 0; i < REPORT_MAX + 7; i++)
        report_add(&other, (struct place){ .file = "f" }, "%u", i);
    assert_true(report_is_full(&other));
    assert_int_equal(other.n_entries, REPORT_MAX);
    assert_int_equal(other.n_dropped, 7);

    report_add(&r, (struct place){ 0 }, "first");
    assert_false(report_is_full(&r));
    report_append(&r, &other);
    assert_true(report_is_empty(&other));
    assert_int_equal(r.n_entries, REPORT_MAX);
    assert_int_equal(r.n_dropped, 8);
    assert_string_equal(r.entries[0].text, "first");
    assert_string_equal(r.entries[REPORT_MAX - 1].text, "998");
    report_clear(&r);
}

static void test_a_line_stays_a_line(_unused_ void **state) {
    struct report r = REPORT_INIT;

    report_add(&r, (struct place){ "f\n", "/\x1b[2J", 1, 1 },
               "\xff\t\xe2\x80\xae\xc2\x85 \xc3\xbc");
    assert_prints(&r, "f\\n:1:1: /\\x1b[2J: \\xff\\t\\u202e\\u0085 \xc3\xbc\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_sort),
        cmocka_unit_test(test_too_many_are_counted),
        cmocka_unit_test(test_a_line_stays_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
