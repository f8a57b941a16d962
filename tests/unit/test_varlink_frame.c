/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "varlink/frame.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Puts bytes in, as many at once as the input takes, and returns how many it took. */
static size_t feed(struct frame_input *in, const char *bytes, size_t n) {
    size_t room;
    void *to = frame_input_room(in, &room);

    assert_non_null(to);
    if (n > room)
        n = room;
    memcpy(to, bytes, n);
    frame_input_filled(in, n);
    return n;
}

static void expect(struct frame_input *in, const char *want) {
    const char *text;
    size_t size;

    assert_int_equal(frame_input_next(in, &text, &size), 0);
    assert_int_equal(size, strlen(want));
    assert_string_equal(text, want);
}

static void expect_outcome(struct frame_input *in, int want) {
    const char *text;
    size_t size;

    assert_int_equal(frame_input_next(in, &text, &size), want);
}

static void test_several_in_one_read(void **state _unused_) {
    struct frame_input in = { .max = 100 };

    feed(&in, "one\0two\0\0thr", 12);
    assert_true(frame_input_is_ready(&in));
    expect(&in, "one");
    expect(&in, "two");
    expect(&in, "");
    assert_false(frame_input_is_ready(&in));
    expect_outcome(&in, FRAME_E_MORE);
    feed(&in, "ee", 3);
    expect(&in, "three");
    expect_outcome(&in, FRAME_E_MORE);
    frame_input_clear(&in);
}

static void test_byte_by_byte(void **state _unused_) {
    struct frame_input in = { .max = 100 };
    const char bytes[] = "message";

    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        feed(&in, bytes + i, 1);
        expect_outcome(&in, FRAME_E_MORE);
    }
    feed(&in, "", 1);
    expect(&in, "message");
    frame_input_clear(&in);
}

/* Reading on while a message waits loses nothing. */
static void test_read_ahead(void **state _unused_) {
    struct frame_input in = { .max = 100 };

    feed(&in, "one\0two\0th", 10);
    expect(&in, "one");
    feed(&in, "ree", 4);
    expect(&in, "two");
    expect(&in, "three");
    frame_input_clear(&in);
}

/* The largest message passes whole, one byte more doesn't, and no more than it is buffered. */
static void test_ceiling(void **state _unused_) {
    _cleanup_(freep) char *bytes = malloc(FRAME_SIZE_MAX + 1);
    struct frame_input in = { .max = FRAME_SIZE_MAX };
    const char *text;
    size_t size, room;

    memset(bytes, 'x', FRAME_SIZE_MAX + 1);
    for (size_t at = 0; at < FRAME_SIZE_MAX;)
        at += feed(&in, bytes + at, FRAME_SIZE_MAX - at);
    expect_outcome(&in, FRAME_E_MORE);
    feed(&in, "", 1);
    assert_int_equal(frame_input_next(&in, &text, &size), 0);
    assert_int_equal(size, FRAME_SIZE_MAX);

    for (size_t at = 0; at <= FRAME_SIZE_MAX;)
        at += feed(&in, bytes + at, FRAME_SIZE_MAX + 1 - at);
    expect_outcome(&in, FRAME_E_TOO_LARGE);
    assert_non_null(frame_input_room(&in, &room));
    assert_int_equal(room, 0);
    frame_input_clear(&in);
}

static void test_small_ceiling(void **state _unused_) {
    struct frame_input in = { .max = 3 };

    assert_int_equal(feed(&in, "abc\0def\0", 8), 4);
    expect(&in, "abc");
    assert_int_equal(feed(&in, "defg", 4), 4);
    expect_outcome(&in, FRAME_E_TOO_LARGE);
    frame_input_clear(&in);
}

static void test_output(void **state _unused_) {
    struct frame_output out = { 0 };
    const char *bytes;
    size_t n;

    assert_null(frame_output_pending(&out, &n));
    assert_int_equal(n, 0);
    assert_int_equal(frame_output_add(&out, "abc", 3), 0);
    assert_int_equal(frame_output_add(&out, "de", 2), 0);
    bytes = frame_output_pending(&out, &n);
    assert_int_equal(n, 7);
    assert_memory_equal(bytes, "abc\0de", 7);
    frame_output_sent(&out, 2);
    assert_int_equal(frame_output_add(&out, "f", 1), 0);
    bytes = frame_output_pending(&out, &n);
    assert_int_equal(n, 7);
    assert_memory_equal(bytes, "c\0de\0f", 7);
    frame_output_sent(&out, 7);
    assert_null(frame_output_pending(&out, &n));
    frame_output_clear(&out);
}

/* A large answer doesn't keep its memory once it is out. */
static void test_output_lets_go(void **state _unused_) {
    size_t size = (size_t)1 << 20, n;
    _cleanup_(freep) char *bytes = calloc(1, size);
    struct frame_output out = { 0 };

    assert_int_equal(frame_output_add(&out, bytes, size), 0);
    frame_output_pending(&out, &n);
    assert_int_equal(n, size + 1);
    frame_output_sent(&out, n);
    assert_null(out.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_several_in_one_read), cmocka_unit_test(test_byte_by_byte),
        cmocka_unit_test(test_read_ahead),          cmocka_unit_test(test_ceiling),
        cmocka_unit_test(test_small_ceiling),       cmocka_unit_test(test_output),
        cmocka_unit_test(test_output_lets_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
