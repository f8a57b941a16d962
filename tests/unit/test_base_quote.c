/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/quote.h"

#include "loading.h"

static const struct {
    const char *text, *escaped;
} cases[] = {
    { "", "" },
    { "acd-lb1", "acd-lb1" },
    { "B\xc3\xbcro \xe2\x82\xac \xf0\x9f\x98\x80", "B\xc3\xbcro \xe2\x82\xac \xf0\x9f\x98\x80" },
    { "a\nb\tc\x7f\x01", "a\\nb\\tc\\x7f\\x01" },
    { "\x1b]0;title\x07", "\\x1b]0;title\\x07" },
    { "\xc2\x80\xc2\x9f\xc2\xa0", "\\u0080\\u009f\xc2\xa0" },
    { "\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xae\xe2\x80\xaf",
      "\xe2\x80\xa7\\u2028\\u202e\xe2\x80\xaf" },
    { "\xe2\x81\xa5\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
      "\xe2\x81\xa5\\u2066\\u2069\xe2\x81\xaa" },
    /* not UTF-8: alone, cut off, overlong, a surrogate, beyond U+10FFFF */
    { "\xff", "\\xff" },
    { "\x80", "\\x80" },
    { "\xc3", "\\xc3" },
    { "\xe2\x82", "\\xe2\\x82" },
    { "\xc0\xaf", "\\xc0\\xaf" },
    { "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
    { "\xed\xa0\x80", "\\xed\\xa0\\x80" },
    { "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
};

static void test_escape(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(freep) char *escaped = text_escape(cases[i].text);

        assert_string_equal(escaped, cases[i].escaped);
        assert_int_equal(text_is_printable(cases[i].text),
                         strcmp(cases[i].text, cases[i].escaped) == 0);
    }
}

static void test_quote(_unused_ void **state) {
    char buf[QUOTE_TEXT_MAX];

    assert_string_equal(text_quote("", buf), "\"\"");
    assert_string_equal(text_quote("a\nb", buf), "\"a\\nb\"");
}

/* Whatever is cut: it fits, ends with the mark, and no character or escape is split. */
static void test_quote_cuts(_unused_ void **state) {
    static const char *const pieces[] = { "x", "\xc3\xbc", "\xe2\x82\xac", "\x1b", "\xe2\x80\xae" };

    for (size_t p = 0; p < ARRAY_SIZE(pieces); p++)
        for (size_t lead = 0; lead < 8; lead++) {
            char text[400] = "", buf[QUOTE_TEXT_MAX];

            memset(text, 'a', lead);
            for (size_t i = 0; i < 100; i++)
                strcat(text, pieces[p]);
            text_quote(text, buf);
            assert_in_range(strlen(buf), QUOTE_TEXT_MAX - 8, QUOTE_TEXT_MAX - 1);
            assert_string_equal(buf + strlen(buf) - 4, "...\"");
            assert_true(text_is_printable(buf));
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_quote),
        cmocka_unit_test(test_quote_cuts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
