/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/doc.h"

#include "loading.h"

#include <jansson.h>

static struct node *parse(struct arena *a, const char *text, const char *file) {
    _cleanup_(freep) char *json = json_text(text);
    struct report r = REPORT_INIT;
    struct node *root;

    assert_int_equal(doc_parse(json, strlen(json), file, a, &root, &r), 0);
    assert_true(report_is_empty(&r));
    return root;
}

static void assert_refused(const char *text, size_t size, const char *message) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    _cleanup_(freep) char *printed = NULL;
    struct report r = REPORT_INIT;
    struct node *root;

    assert_int_equal(doc_parse(text, size, "f", a, &root, &r), DOC_E_INVALID);
    printed = report_take_text(&r);
    assert_string_equal(printed, message);
}

/* --- places --- */

static void assert_place(const struct node *n, const char *pointer, uint32_t line,
                         uint32_t column) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct place p = node_place(n, a);

    assert_string_equal(p.file, "f");
    assert_string_equal(p.pointer, pointer);
    assert_int_equal(p.line, line);
    assert_int_equal(p.column, column);
}

static void test_places(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    const struct node *root = parse(a,
                                    " {\n"
                                    "  'a/b': [1,\t-20, true],\r\n"
                                    "  '': {'m~n': null, '\xc3\xbc': 'x'}, 'e' :\n"
                                    "[\n"
                                    "]}\n",
                                    "f");

    assert_place(root, "", 1, 2);
    assert_place(root->children[0], "/a~1b", 2, 10);
    assert_place(root->children[0]->children[0], "/a~1b/0", 2, 11);
    assert_place(root->children[0]->children[1], "/a~1b/1", 2, 14);
    assert_place(root->children[0]->children[2], "/a~1b/2", 2, 19);
    assert_place(root->children[1], "/", 3, 7);
    assert_place(root->children[1]->children[0], "//m~0n", 3, 15);
    assert_place(root->children[1]->children[1], "//\xc3\xbc", 3, 27);
    assert_place(root->children[2], "/e", 4, 1);
    assert_ptr_equal(node_member(root, "e"), root->children[2]);
    assert_null(node_member(root, "nothing"));
    assert_null(node_member(root->children[0], "nothing"));
}

static void test_pointers_are_cut(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    char text[1000] = "{\"", expected[1000] = "/";

    memset(text + 2, 'k', 500);
    memset(expected + 1, 'k', DOC_POINTER_KEY_MAX);
    strcat(text, "\": 0}");
    strcat(expected, "...");
    assert_place(parse(a, text, "f")->children[0], expected, 1, 506);
}

/* --- values --- */

static void test_values(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    const struct node *root = parse(a,
                                    "['', 'a\\'\\\\\\/\\b\\f\\n\\r\\tz', '\\u0041\\u00fc\\u20aC"
                                    "\\uD83d\\uDE00', 0, -0, -9223372036854775808,"
                                    "9223372036854775807, 1.5, 1e3, true, false, null, {}, [],"
                                    "'<a name>', '<>', '<a', 'a>', '\\u003ca\\u003e']",
                                    "f");
    struct node **c = root->children;

    assert_int_equal(root->type, NODE_ARRAY);
    assert_int_equal(root->n_children, 19);
    assert_string_equal(c[0]->string, "");
    assert_string_equal(c[1]->string, "a\"\\/\b\f\n\r\tz");
    assert_string_equal(c[2]->string, "A\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_int_equal(c[3]->integer, 0);
    assert_int_equal(c[4]->integer, 0);
    assert_true(c[5]->integer == INT64_MIN);
    assert_true(c[6]->integer == INT64_MAX);
    assert_int_equal(c[7]->type, NODE_REAL);
    assert_int_equal(c[8]->type, NODE_REAL);
    assert_true(c[9]->boolean);
    assert_false(c[10]->boolean);
    assert_int_equal(c[11]->type, NODE_NULL);
    assert_int_equal(c[12]->type, NODE_OBJECT);
    assert_int_equal(c[13]->type, NODE_ARRAY);
    assert_int_equal(c[14]->type, NODE_BLANK);
    assert_string_equal(c[14]->string, "<a name>");
    for (size_t i = 15; i < 18; i++)
        assert_int_equal(c[i]->type, NODE_STRING);
    assert_int_equal(c[18]->type, NODE_BLANK); /* however it is written */
}

/* Text that is random, but JSON: its walk must give what jansson's tree has. */
static void random_space(FILE *f, uint32_t *seed) {
    static const char spaces[] = " \n\t\r";

    while (random_next(seed) % 3 == 0)
        fputc(spaces[random_next(seed) % 4], f);
}

static void random_string(FILE *f, uint32_t *seed) {
    static const char *const pieces[] = {
        "a", "B",       "7",   "\\\"",           "\\\\",     "\\n", "\\/",          "{", "]", ",",
        ":", "\\u00e9", "\\b", "\\ud834\\udd1e", "\xc3\xbc", " ",   "\xe2\x82\xac", "<", ">"
    };

    fputc('"', f);
    for (uint32_t n = random_next(seed) % 9; n > 0; n--)
        fputs(pieces[random_next(seed) % ARRAY_SIZE(pieces)], f);
    fputc('"', f);
}

static void random_value(FILE *f, uint32_t *seed, unsigned depth) {
    static const char *const plain[] = { "true", "false", "null", "0", "-12", "1.5", "2E-3" };
    uint32_t kind = random_next(seed) % (depth > 6 ? 2 : 5), n = random_next(seed) % 6;

    random_space(f, seed);
    if (kind == 0)
        fputs(plain[random_next(seed) % ARRAY_SIZE(plain)], f);
    else if (kind == 1)
        random_string(f, seed);
    else {
        fputc(kind == 2 ? '[' : '{', f);
        for (uint32_t i = 0; i < n; i++) {
            if (kind != 2)
                fprintf(f, "\"%u-%u\":", i, random_next(seed) % 100);
            random_value(f, seed, depth + 1);
            if (i + 1 < n)
                fputc(',', f);
        }
        random_space(f, seed);
        fputc(kind == 2 ? ']' : '}', f);
    }
    random_space(f, seed);
}

static void assert_same(const struct node *n, const json_t *json) {
    static const json_type types[] = {
        [NODE_OBJECT] = JSON_OBJECT,   [NODE_ARRAY] = JSON_ARRAY, [NODE_STRING] = JSON_STRING,
        [NODE_INTEGER] = JSON_INTEGER, [NODE_REAL] = JSON_REAL,   [NODE_NULL] = JSON_NULL,
        [NODE_BLANK] = JSON_STRING,
    };

    if (n->type == NODE_BOOLEAN) {
        assert_int_equal(n->boolean, json_is_true(json));
        return;
    }
    assert_int_equal(types[n->type], json_typeof(json));
    if (n->type == NODE_STRING || n->type == NODE_BLANK)
        assert_string_equal(n->string, json_string_value(json));
    if (n->type == NODE_INTEGER)
        assert_int_equal(n->integer, json_integer_value(json));
    if (n->type == NODE_ARRAY)
        assert_int_equal(n->n_children, json_array_size(json));
    if (n->type == NODE_OBJECT)
        assert_int_equal(n->n_children, json_object_size(json));
    for (size_t i = 0; (n->type == NODE_ARRAY || n->type == NODE_OBJECT) && i < n->n_children; i++)
        assert_same(n->children[i], n->type == NODE_ARRAY
                                        ? json_array_get(json, i)
                                        : json_object_get(json, n->children[i]->key));
}

/* A value's place is that of its first byte: what stands there is a value of its type. */
static void assert_places(const struct node *n, const char *text) {
    static const char first[] = { [NODE_OBJECT] = '{', [NODE_ARRAY] = '[', [NODE_STRING] = '"' };

    for (uint32_t line = 1; line < n->line; line++)
        text = strchr(text, '\n') + 1;
    if (n->type <= NODE_STRING || n->type == NODE_BLANK)
        assert_int_equal(text[n->column - 1], first[n->type == NODE_BLANK ? NODE_STRING : n->type]);
    else
        assert_non_null(strchr("tfn-0123456789", text[n->column - 1]));
}

static void assert_all_places(const struct node *n, const char *text) {
    assert_places(n, text);
    for (size_t i = 0; (n->type == NODE_ARRAY || n->type == NODE_OBJECT) && i < n->n_children; i++)
        assert_all_places(n->children[i], text);
}

static void test_agrees_with_jansson(_unused_ void **state) {
    uint32_t seed = 7;

    for (unsigned round = 0; round < 2000; round++) {
        _cleanup_(arena_freep) struct arena *a = arena_new();
        _cleanup_(freep) char *text = NULL;
        struct report r = REPORT_INIT;
        struct node *root;
        json_t *json;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        fputc('[', f);
        random_value(f, &seed, 0);
        fputc(']', f);
        fclose(f);
        json = json_loadb(text, size, 0, NULL);
        assert_non_null(json);
        assert_int_equal(doc_parse(text, size, "f", a, &root, &r), 0);
        assert_same(root, json);
        assert_all_places(root, text);
        json_decref(json);
    }
}

/* --- refusals --- */

static const struct {
    const char *text, *message;
} malformed[] = {
    { "", "f:1:1: the file is empty: was it cut? Restore it, or remove it\n" },
    { "  \n ", "f:2:2: the file is empty: was it cut? Restore it, or remove it\n" },
    { "7", "f:1:1: not JSON: '{' is missing before \"7\"\n" },
    { "{\"a\": tru,\n\"b\":1}", "f:1:7: not JSON: \"tru\" is no value: text stands in quotation "
                                "marks (\"), yes and no are true and false\n" },
    { "{\"a\": 1,}", "f:1:8: not JSON: nothing follows this comma: remove it\n" },
    { "[1,\n ]", "f:1:3: not JSON: nothing follows this comma: remove it\n" },
    { "{\n  \"a\" 1}", "f:2:7: not JSON: a colon behind the name is missing before \"1\"\n" },
    { "{\"a\":1 \"b\":2}", "f:1:8: not JSON: a comma or '}' is missing before \"b\"\n" },
    { "{a: 1}", "f:1:2: not JSON: a name in quotation marks is missing before \"a\"\n" },
    { "{'a': 1}", "f:1:2: not JSON: a name stands in double quotation marks (\")\n" },
    { "{\"a\": }", "f:1:7: not JSON: a value is missing before \"}\"\n" },
    { "{\"a\": 1} x",
      "f:1:10: not JSON: the file should end here: remove the rest, or a bracket before\n" },
    { "[1,\n2",
      "f:2:2: not JSON: a comma or ']' is missing at the end of the file: was it cut?\n" },
    { "[\n \"abc", "f:2:2: not JSON: the quotation mark that ends this text is missing\n" },
    { "[\"a\nb\"]", "f:1:2: not JSON: the quotation mark that ends this text is missing\n" },
    { "[\"a\tb\"]", "f:1:4: not JSON: a control character in a text: write it as \\u0009\n" },
    { "[\"\\q\"]", "f:1:3: not JSON: an escape that JSON doesn't have: a backslash itself is "
                   "written \\\\\n" },
    { "[1 /* why */]",
      "f:1:4: not JSON: it has no comments: remove this one, or keep it in a \"note\"\n" },
    { "# why\n{}",
      "f:1:1: not JSON: it has no comments: remove this one, or keep it in a \"note\"\n" },
    { "[01]", "f:1:2: not JSON: this is no number of JSON: as in 8091, without quotation marks, "
              "sign or leading zeros\n" },
    { "[9223372036854775808]", "f:1:2: not JSON: this number is too large\n" },
    { "[\"\\u0000\"]", "f:1:3: not JSON: \\u0000 has no place in a text\n" },
    { "{\"a\\u0000b\": 1}", "f:1:4: not JSON: \\u0000 has no place in a text\n" },
    { "[\"\\ud834\"]", "f:1:3: not JSON: the first half of a surrogate pair without the second\n" },
    { "[1,\n \"ok\", \"ab\xff\"]",
      "f:2:11: not JSON: the byte 0xff is no UTF-8: save the file as UTF-8\n" },
    { "[\"\xc0\xaf\"]", "f:1:3: not JSON: the byte 0xc0 is no UTF-8: save the file as UTF-8\n" },
    { "\xef\xbb\xbf{}", "f:1:1: not JSON: a byte order mark: save the file without it\n" },
};

static void test_malformed(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
        assert_refused(malformed[i].text, strlen(malformed[i].text), malformed[i].message);
}

/* jansson is the witness: of many small changes to a text, it and we refuse the same ones. */
static void test_refuses_what_jansson_refuses(_unused_ void **state) {
    static const char whole[] = "{\"a\": [1, -2.5e3, 0, \"x\\u00e9\\ud834\\udd1e\\n\xc3\xbc\"],"
                                " \"b\": {\"c\": null, \"d\": [true, false, {}]}}";
    static const char bytes[] = "{}[]:,\"\\01.eE+-utfn/ \n\t\x01\x80\xc3\xed\xf4\xff";
    unsigned seed = 20240611, refused = 0;

    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 200000; round++) {
        _cleanup_(arena_freep) struct arena *a = arena_new();
        struct report r = REPORT_INIT;
        struct node *root;
        json_error_t e;
        json_t *json;
        char text[sizeof(whole)];

        memcpy(text, whole, sizeof(whole));
        for (int n = rand_r(&seed) % 3; n >= 0; n--)
            text[(size_t)rand_r(&seed) % (sizeof(whole) - 1)] =
                bytes[(size_t)rand_r(&seed) % (sizeof(bytes) - 1)];
        json = json_loadb(text, sizeof(whole) - 1, JSON_REJECT_DUPLICATES, &e);
        if (json || json_error_code(&e) != json_error_numeric_overflow)
            assert_int_equal(doc_parse(text, sizeof(whole) - 1, "f", a, &root, &r) == 0,
                             json != NULL);
        refused += !json;
        json_decref(json);
        report_clear(&r);
    }
    assert_in_range(refused, 20000, 199000);
}

static void test_nul_byte(_unused_ void **state) {
    assert_refused("[1,\0 2]", 7, "f:1:4: a NUL byte: this is no text file\n");
    assert_refused("[\"a\0\"]", 6, "f:1:4: a NUL byte: this is no text file\n");
}

/* Whatever a text is cut to: refused, never read beyond its end. */
static void test_cut_anywhere(_unused_ void **state) {
    static const char whole[] =
        "{\"a\": [1, -2.5e3, \"x\\u00e9\\n\xc3\xbc\"], \"b\": {\"c\": null}}";

    for (size_t n = 0; n + 1 < sizeof(whole); n++) {
        _cleanup_(arena_freep) struct arena *a = arena_new();
        _cleanup_(freep) char *cut = malloc(n + 1);
        struct report r = REPORT_INIT;
        struct node *root;

        memcpy(cut, whole, n);
        cut[n] = '\0';
        assert_int_equal(doc_parse(cut, n, "f", a, &root, &r), DOC_E_INVALID);
        assert_null(root);
        assert_int_equal(r.n_entries, 1);
        report_clear(&r);
    }
}

static void test_depth(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    char text[2 * DOC_DEPTH_MAX + 3] = "", deep[100000];

    memset(text, '[', DOC_DEPTH_MAX);
    memset(text + DOC_DEPTH_MAX, ']', DOC_DEPTH_MAX);
    assert_non_null(parse(a, text, "f"));

    memset(text, '[', DOC_DEPTH_MAX + 1);
    memset(text + DOC_DEPTH_MAX + 1, ']', DOC_DEPTH_MAX + 1);
    assert_refused(text, strlen(text),
                   "f:1:33: nested more than 32 levels deep: is a bracket missing before?\n");

    memset(deep, '[', sizeof(deep));
    assert_refused(deep, sizeof(deep),
                   "f:1:33: nested more than 32 levels deep: is a bracket missing before?\n");
    for (size_t i = 0; i + 6 <= sizeof(deep); i += 6)
        memcpy(deep + i, "\n{\"a\":", 6);
    assert_refused(deep, sizeof(deep),
                   "f:34:1: nested more than 32 levels deep: is a bracket missing before?\n");
    /* brackets in strings don't nest */
    memset(deep, '[', sizeof(deep));
    memcpy(deep, "[\"", 2);
    memcpy(deep + sizeof(deep) - 3, "\"]", 3);
    assert_non_null(parse(a, deep, "f"));
}

static void test_too_many_values(_unused_ void **state) {
    size_t n = DOC_VALUES_MAX + 1, size = 2 * n + 1;
    _cleanup_(freep) char *text = calloc(1, size + 1);

    text[0] = '[';
    for (size_t i = 0; i < n; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    text[size - 1] = ']';
    assert_refused(text, size, "f:1:8000000: more than 4000000 values: split the file\n");
}

static void test_duplicates(_unused_ void **state) {
    static const char text[] = "{\"a\": 1,\n \"b\": {\"x\": 1, \"y\": 2, \"x\": 3},\n"
                               " \"a\": 2, \"\\u0061\": [{\"z\":1},{\"z\":1}]}";
    static const char message[] =
        "f:2:29: /b/x: stands twice, first in line 2 column 13: remove one\n"
        "f:3:7: /a: stands twice, first in line 1 column 7: remove one\n"
        "f:3:20: /a: stands twice, first in line 1 column 7: remove one\n";
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct report r = REPORT_INIT;
    struct node *root = NULL;

    assert_refused(text, sizeof(text) - 1, message);
    assert_int_equal(doc_parse(text, sizeof(text) - 1, "f", a, &root, &r), DOC_E_INVALID);
    assert_non_null(root); /* so that the rest can be read, too */
    assert_int_equal(root->n_children, 4);
    report_clear(&r);
}

/* --- merging --- */

/* The values only, as compact JSON. */
static void print(const struct node *n, FILE *f) {
    char bracket = n->type == NODE_OBJECT ? '{' : '[';

    if (n->type == NODE_INTEGER)
        fprintf(f, "%d", (int)n->integer);
    if (n->type != NODE_OBJECT && n->type != NODE_ARRAY)
        return;
    fputc(bracket, f);
    for (size_t i = 0; i < n->n_children; i++) {
        if (i > 0)
            fputc(',', f);
        if (n->type == NODE_OBJECT)
            fprintf(f, "'%s':", n->children[i]->key);
        print(n->children[i], f);
    }
    fputc(bracket + 2, f);
}

static void test_merge(_unused_ void **state) {
    static const struct {
        const char *base, *over, *merged;
    } cases[] = {
        { "{}", "{}", "{}" },
        { "{'a':1}", "{'b':2}", "{'a':1,'b':2}" },
        { "{'a':1,'b':2}", "{'a':3}", "{'a':3,'b':2}" },
        { "{'o':{'a':1,'b':{'c':2}}}", "{'o':{'b':{'d':3},'e':4}}",
          "{'o':{'a':1,'b':{'c':2,'d':3},'e':4}}" },
        { "{'l':[1,2]}", "{'l':[3]}", "{'l':[3]}" },
        { "{'flows':[1,2]}", "{'flows':[3]}", "{'flows':[1,2,3]}" },
        { "{'o':{'flows':[1,2]}}", "{'o':{'flows':[3]}}", "{'o':{'flows':[3]}}" },
        { "{'flows':1}", "{'flows':[3]}", "{'flows':[3]}" },
        { "{'o':{'a':1}}", "{'o':[2]}", "{'o':[2]}" },
        { "{'o':[2]}", "{'o':{'a':1}}", "{'o':{'a':1}}" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(arena_freep) struct arena *a = arena_new();
        struct node *base = parse(a, cases[i].base, "base");
        _cleanup_(freep) char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);

        assert_int_equal(doc_merge(a, base, parse(a, cases[i].over, "over")), 0);
        print(base, f);
        fclose(f);
        assert_string_equal(text, cases[i].merged);
    }
}

static void test_merge_keeps_places(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct node *base = parse(a, "{'flows':[1],'h':{'a':1}}", "base");
    struct place p;

    assert_int_equal(doc_merge(a, base, parse(a, "{\n'h':{'b':1,'a':2}, 'flows':[7]}", "over")), 0);
    p = node_place(node_member(base, "flows")->children[1], a);
    assert_string_equal(p.file, "over");
    assert_string_equal(p.pointer, "/flows/0");
    assert_int_equal(p.line, 2);
    p = node_place(node_member(node_member(base, "h"), "a"), a);
    assert_string_equal(p.file, "over");
    assert_string_equal(p.pointer, "/h/a");
    assert_int_equal(p.column, 16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_pointers_are_cut),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_agrees_with_jansson),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_nul_byte),
        cmocka_unit_test(test_refuses_what_jansson_refuses),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_duplicates),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_merge_keeps_places),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
