/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/layout.h"

#include "loading.h"

static json_t *parse(const char *text) {
    _cleanup_(freep) char *json = json_text(text);
    json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);

    assert_non_null(value);
    return value;
}

#define WIDE "0123456789012345678901234567890123456789" /* 40 */

static const struct {
    const char *json, *text;
} cases[] = {
    { "7", "7\n" },
    { "'a'", "'a'\n" },
    { "{}", "{}\n" },
    { "[]", "[]\n" },
    { "[1,'a',null]", "[\n  1,\n  'a',\n  null\n]\n" },
    { "{'a':[],'b':{},'c':[[]],'d':{'e':{}}}",
      "{\n  'a': [],\n  'b': {},\n  'c': [\n    []\n  ],\n  'd': {\n    'e': {}\n  }\n}\n" },
    /* What fits stands on a line. */
    { "{'a':{'b':1,'c':true},'d':['x','y'],'e':{'f':['x'],'g':2}}",
      "{\n  'a': { 'b': 1, 'c': true },\n  'd': ['x', 'y'],\n  'e': { 'f': ['x'], 'g': 2 }\n}\n" },
    { "{'a':['" WIDE "','" WIDE "2345']}", "{\n  'a': ['" WIDE "', '" WIDE "2345']\n}\n" },
    { "{'a':['" WIDE "','" WIDE "23456']}",
      "{\n  'a': [\n    '" WIDE "',\n    '" WIDE "23456'\n  ]\n}\n" },
    { "{'a':{'b':'" WIDE "','c':'" WIDE "'}}",
      "{\n  'a': {\n    'b': '" WIDE "',\n    'c': '" WIDE "'\n  }\n}\n" },
    /* One item alone gains nothing. */
    { "{'a':['" WIDE WIDE WIDE "']}", "{\n  'a': ['" WIDE WIDE WIDE "']\n}\n" },
    /* Objects with lists are alike, those without are not asked. */
    { "{'h':{'a':{'x':['1']},'b':{'x':['" WIDE "','" WIDE "']},'c':{'y':1}}}",
      "{\n  'h': {\n    'a': {\n      'x': ['1']\n    },\n    'b': {\n      'x': ['" WIDE
      "', '" WIDE "']\n    },\n    'c': { 'y': 1 }\n  }\n}\n" },
    /* Too deep for a line. */
    { "{'a':{'b':{'c':1}}}", "{\n  'a': {\n    'b': { 'c': 1 }\n  }\n}\n" },
    { "[[[1]]]", "[\n  [\n    [1]\n  ]\n]\n" },
    { "{'\\u00fc\\\"':'\\n\xc3\xbc'}", "{\n  '\xc3\xbc\\\"': '\\n\xc3\xbc'\n}\n" },
};

static void test_layouts(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(freep) char *expected = json_text(cases[i].text);
        json_t *value = parse(cases[i].json);
        _cleanup_(freep) char *text = layout_text(value);

        assert_string_equal(text, expected);
        json_decref(value);
    }
}

/* A layout says what the value says, and members keep their order. */
static void test_says_the_same(_unused_ void **state) {
    static const char *const files[] = { "jtel-acd.json", "examples/mixed.site.json",
                                         "site.schema.json" };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        _cleanup_(freep) char *path = NULL, *text = NULL, *one = NULL, *other = NULL;
        json_t *value, *again;

        assert_true(asprintf(&path, "%s/%s", POLICY_DIR, files[i]) > 0);
        value = json_load_file(path, 0, NULL);
        assert_non_null(value);
        text = layout_text(value);
        again = json_loads(text, 0, NULL);
        one = json_dumps(value, 0);
        other = json_dumps(again, 0);
        assert_string_equal(one, other);
        json_decref(value);
        json_decref(again);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts),
        cmocka_unit_test(test_says_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
