/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/name.h"

#include "loading.h"

#define LONG_32 "abcdefghijklmnopqrstuvwxyz012345"

static void test_valid(_unused_ void **state) {
    static const char *const good[] = { "a",
                                        "9",
                                        "ACD-LB",
                                        "acd-lb1.example.net",
                                        "a..b",
                                        "a-",
                                        LONG_32 "6789012345678901234567890123456" };
    static const char *const bad[] = { "",
                                       "-a",
                                       ".a",
                                       "a_b",
                                       "a b",
                                       "a/b",
                                       "os:x",
                                       "\xc3\xbc",
                                       "a\n",
                                       "a$",
                                       LONG_32 "67890123456789012345678901234567" };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_true(name_is_valid(good[i]));
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(name_is_valid(bad[i]));
        assert_false(product_name_is_valid(bad[i]));
    }
    assert_true(product_name_is_valid("jtel-acd"));
    assert_false(product_name_is_valid("3cx"));
    assert_true(name_is_reserved("management"));
    assert_false(name_is_reserved("Any"));
    assert_true(product_name_is_reserved("host"));
    assert_false(product_name_is_reserved("host-baseline"));
    assert_true(party_name_is_reserved("os-windows"));
    assert_false(party_name_is_reserved("os"));
}

#define LABEL_63 LONG_32 "6789012345678901234567890123456"

static void test_hostnames(_unused_ void **state) {
    static const char *const good[] = { "my.mailstore.com",  "a.b",     "3com.net", "x--1.example",
                                        LABEL_63 ".example", "1.2.3.4a" };
    static const char *const bad[] = { "",
                                       "localhost",
                                       "a..b",
                                       ".a.b",
                                       "a.b.",
                                       "A.b",
                                       "a_b.c",
                                       "10.1.0.21",
                                       "a.7",
                                       "-a.b",
                                       "a-.b",
                                       "a.b-",
                                       "*.b.c",
                                       "a.b/24",
                                       "2001:db8::",
                                       "a b.c",
                                       "\xc3\xbc.de",
                                       "any",
                                       LABEL_63 "a.example",
                                       LABEL_63 "." LABEL_63 "." LABEL_63 "." LABEL_63 "."
                                                "a" };

    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        assert_true(hostname_is_valid(good[i]));
        assert_null(hostname_mistake(good[i]));
    }
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_false(hostname_is_valid(bad[i]));
        assert_non_null(hostname_mistake(bad[i]));
    }
}

static struct names make(const char *const *words, size_t n, struct arena *a) {
    struct names names = { 0 };

    assert_int_equal(names_collect(&names, a, words, n, sizeof(*words)), 0);
    names_sort(&names);
    return names;
}

static void test_look_up(_unused_ void **state) {
    static const char *const words[] = { "delta", "alpha", "charlie", "bravo", "alpha" };
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct names names = make(words, ARRAY_SIZE(words), a), none = { 0 };

    assert_int_equal(names.n, 4); /* "alpha" once */
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_true(names_have(&names, words[i]));
    assert_false(names_have(&names, "alph"));
    assert_false(names_have(&names, ""));
    assert_false(names_have(&none, "alpha"));
    assert_true(names_lack(&names, "alph"));
    assert_false(names_lack(&names, "alpha"));
    names.is_open = true;
    assert_false(names_lack(&names, "alph"));
    assert_false(names_have(&names, "alph"));
    assert_string_equal(names_list(&names, a), "alpha, bravo, charlie and delta");
    assert_string_equal(names_list(&none, a), "none");
    assert_string_equal(names_unknown(&names, "alhpa", "letter", a),
                        "\"alhpa\" is no letter; did you mean \"alpha\"? (there are: alpha, bravo, "
                        "charlie and delta)");
    assert_string_equal(names_unknown(&none, "\n", "letter", a),
                        "\"\\n\" is no letter (there are: none)");
    assert_string_equal(numbers_list((const uint16_t[]){ 25, 465, 587 }, 3, a), "25, 465 and 587");
}

static void test_nearest(_unused_ void **state) {
    static const char *const words[] = { "ACD-LB", "ACD-DBM", "redundant", "tts", "web", "x" };
    static const struct {
        const char *name, *nearest;
    } cases[] = {
        { "acd-lb", "ACD-LB" },
        { "ACD-LN", "ACD-LB" },
        { "ACDLB", "ACD-LB" },
        { "redundat", "redundant" },
        { "redundancy", "redundant" },
        { "tls", "tts" },
        { "wep", "web" },
        { "wbe", "web" },
        { "ADC-BL", "ACD-LB" },
        { "wxp", NULL },
        { "y", NULL },
        { "", NULL },
        { "reporting", NULL },
        { "redun", "redundant" },
        { "ACD-D", "ACD-DBM" },
        { "acd", NULL }, /* begins two */
        { LONG_32 LONG_32 LONG_32, NULL },
    };
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct names names = make(words, ARRAY_SIZE(words), a);

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *nearest = names_nearest(&names, cases[i].name);

        if (cases[i].nearest)
            assert_string_equal(nearest, cases[i].nearest);
        else
            assert_null(nearest);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),
        cmocka_unit_test(test_hostnames),
        cmocka_unit_test(test_look_up),
        cmocka_unit_test(test_nearest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
