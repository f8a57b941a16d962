/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain is intact as it was written, torn where a write ended early, and broken by whatever else
 * is done to it: each bit of each byte, each line that is taken, moved or put in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "engine/chain.h"

#include <stdio.h>
#include <string.h>

#define LINES 5U

/* Five lines behind `from`, and where each ends. */
struct chain {
    struct chain_link begin, ends[LINES];
    char *lines[LINES];
    char text[LINES * 512];
    size_t size;
};

static void chain_make(struct chain_link from, struct chain *ret) {
    struct chain_link at = from;

    *ret = (struct chain){ .begin = from };
    for (unsigned i = 0; i < LINES; i++) {
        json_t *record =
            json_pack("{s:s, s:[s, i]}", "time", "now \"\\\n\303\204", "changes", "a rule", (int)i);

        ret->lines[i] = chain_line(&at, record);
        assert_non_null(ret->lines[i]);
        json_decref(record);
        ret->ends[i] = at;
        memcpy(ret->text + ret->size, ret->lines[i], strlen(ret->lines[i]));
        ret->size += strlen(ret->lines[i]);
    }
}

static void chain_clear(struct chain *c) {
    for (unsigned i = 0; i < LINES; i++)
        free(c->lines[i]);
}

static struct chain_check check(const char *text, size_t size, const struct chain_link *known) {
    char *exact = malloc(size + 1); /* so that whoever reads beyond it is found out */
    struct chain_check c;

    assert_non_null(exact);
    memcpy(exact, text, size);
    chain_check(exact, size, known, LINES, &c);
    free(exact);
    return c;
}

static void test_as_it_was_written(void **state) {
    struct chain c;
    struct chain_check k;

    (void)state;
    chain_make(chain_begin(0), &c);
    for (unsigned i = 0; i < LINES; i++) { /* whichever was written down last */
        k = check(c.text, c.size, &c.ends[i]);
        assert_int_equal(k.verdict, CHAIN_INTACT);
        assert_int_equal(k.n_lines, LINES);
        assert_int_equal(k.n_bytes, c.size);
        assert_int_equal(k.first, 1);
        assert_int_equal(k.last.number, LINES);
        assert_string_equal(k.last.digest, c.ends[LINES - 1].digest);
    }
    assert_int_equal(check(c.text, c.size, &c.begin).verdict, CHAIN_INTACT);
    k = check("", 0, &c.begin);
    assert_int_equal(k.verdict, CHAIN_INTACT);
    assert_int_equal(k.n_lines, 0);
    chain_clear(&c);
}

/* The digests are those that sha256sum gives: printf '%s' '{"number":1,…,"a":1' | sha256sum */
static void test_a_known_line(void **state) {
    static const char want[] =
        "{\"number\":1,\"previous\":"
        "\"0000000000000000000000000000000000000000000000000000000000000000\",\"a\":1,\"chain\":"
        "\"babe02475e85241971cf8f4e9698c2deed0f04b5336d1a8e86a23568ea7753c6\"}\n";
    struct chain_link at = chain_begin(0);
    json_t *record = json_pack("{s:i}", "a", 1);
    char *line = chain_line(&at, record);

    (void)state;
    assert_string_equal(line, want);
    free(line);
    json_decref(record);
}

static void test_what_is_no_record(void **state) {
    struct chain_link at = chain_begin(7);
    json_t *empty = json_object(), *list = json_pack("[i]", 1);

    (void)state;
    assert_null(chain_line(&at, empty));
    assert_null(chain_line(&at, list));
    assert_int_equal(at.number, 7);
    assert_true(chain_is_begin(&at));
    json_decref(empty);
    json_decref(list);
}

/* The last newline alone is the end of the last line: without it the line is torn, and missing. */
static void test_any_flipped_bit_is_found(void **state) {
    struct chain c;

    (void)state;
    chain_make(chain_begin(0), &c);
    for (size_t at = 0; at < c.size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct chain_check k;
            size_t line = 0, from = 0;

            while (at >= from + strlen(c.lines[line]))
                from += strlen(c.lines[line++]);
            c.text[at] = (char)(c.text[at] ^ (1 << bit));
            k = check(c.text, c.size, &c.ends[LINES - 1]);
            if (k.verdict != CHAIN_BROKEN)
                fail_msg("byte %zu, bit %u", at, bit);
            assert_int_equal(k.n_lines, line);
            assert_int_equal(k.n_bytes, from);
            assert_non_null(k.why);
            assert_true(k.number == 0 || k.number == line + 1);
            c.text[at] = (char)(c.text[at] ^ (1 << bit));
        }
    assert_int_equal(check(c.text, c.size, &c.ends[LINES - 1]).verdict, CHAIN_INTACT);
    chain_clear(&c);
}

/* Cut anywhere: broken where a line that is known of is gone, else torn, or whole lines. */
static void test_cut_anywhere(void **state) {
    struct chain c;

    (void)state;
    chain_make(chain_begin(0), &c);
    for (size_t size = 0; size < c.size; size++)
        for (unsigned known = 0; known < LINES; known++) {
            struct chain_check k = check(c.text, size, &c.ends[known]);
            size_t whole = 0, line = 0;

            while (line < LINES && whole + strlen(c.lines[line]) <= size)
                whole += strlen(c.lines[line++]);
            assert_int_equal(k.n_bytes, whole);
            assert_int_equal(k.verdict, line <= known   ? CHAIN_BROKEN
                                        : size == whole ? CHAIN_INTACT
                                                        : CHAIN_TORN);
        }
    chain_clear(&c);
}

/* Builds a text of lines by their numbers, 0 to 4. */
static struct chain_check check_lines(const struct chain *c, const char *which) {
    char text[sizeof(c->text)] = "";

    for (; *which; which++)
        strcat(text, c->lines[*which - '0']);
    return check(text, strlen(text), &c->ends[LINES - 1]);
}

static void test_lines_taken_moved_added(void **state) {
    static const struct {
        const char *lines;
        unsigned n; /* good ones before the fault */
    } cases[] = {
        { "1234", 4 }, { "0234", 1 }, { "0124", 3 }, { "0123", 4 },  { "10234", 2 },
        { "", 0 },     { "0", 1 },    { "4", 1 },    { "00123", 1 }, { "012344", 5 },
    };
    struct chain c;

    (void)state;
    chain_make(chain_begin(0), &c);
    assert_int_equal(check_lines(&c, "01234").verdict, CHAIN_INTACT);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct chain_check k = check_lines(&c, cases[i].lines);

        if (k.verdict != CHAIN_BROKEN || (i != 4 && k.n_lines != cases[i].n))
            fail_msg("%s: %d, %zu lines", cases[i].lines, k.verdict, k.n_lines);
    }
    chain_clear(&c);
}

/* The oldest may go once there are more than have to be kept. */
static void test_the_oldest_were_dropped(void **state) {
    struct chain c;
    size_t skip;
    struct chain_check k;

    (void)state;
    chain_make(chain_begin(0), &c);
    skip = strlen(c.lines[0]);
    chain_check(c.text + skip, c.size - skip, &c.ends[3], LINES - 1, &k);
    assert_int_equal(k.verdict, CHAIN_INTACT);
    assert_int_equal(k.first, 2);
    chain_check(c.text + skip, c.size - skip, &c.ends[0], LINES - 1, &k);
    assert_int_equal(k.verdict, CHAIN_INTACT); /* the first says what was before it */
    chain_check(c.text + skip, c.size - skip, &c.begin, LINES - 1, &k);
    assert_int_equal(k.verdict, CHAIN_BROKEN); /* further back nothing is known */
    assert_int_equal(k.number, 2);
    chain_clear(&c);
}

static void test_begun_anew(void **state) {
    struct chain c;
    struct chain_check k;

    (void)state;
    chain_make(chain_begin(17), &c);
    k = check(c.text, c.size, &c.begin);
    assert_int_equal(k.verdict, CHAIN_INTACT);
    assert_int_equal(k.first, 18);
    assert_int_equal(k.last.number, 22);
    assert_int_equal(check("", 0, &c.begin).verdict, CHAIN_INTACT);
    assert_int_equal(check("", 0, &c.begin).last.number, 17);
    chain_clear(&c);
}

/* Somebody made all of it new, with digests that are right. */
static void test_rebuilt(void **state) {
    struct chain c, other;
    struct chain_check k;

    (void)state;
    chain_make(chain_begin(0), &c);
    chain_make(c.ends[0], &other); /* an example of a digest that differs */
    k = check(c.text, c.size, &other.ends[1]);
    assert_int_equal(k.verdict, CHAIN_BROKEN);
    assert_int_equal(k.n_lines, 2);
    assert_int_equal(k.number, 3);
    chain_clear(&c);
    chain_clear(&other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_it_was_written),
        cmocka_unit_test(test_a_known_line),
        cmocka_unit_test(test_what_is_no_record),
        cmocka_unit_test(test_any_flipped_bit_is_found),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_lines_taken_moved_added),
        cmocka_unit_test(test_the_oldest_were_dropped),
        cmocka_unit_test(test_begun_anew),
        cmocka_unit_test(test_rebuilt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
