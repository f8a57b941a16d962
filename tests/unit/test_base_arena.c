/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/arena.h"

#include "loading.h"

#include <stdalign.h>

static void test_alloc_is_zeroed_and_aligned(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();

    for (size_t size = 0; size < 20000; size = size * 2 + 1) {
        uint8_t *p = arena_alloc(a, size);

        assert_non_null(p);
        assert_int_equal((uintptr_t)p % alignof(max_align_t), 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
    }
    assert_null(arena_alloc(a, SIZE_MAX));
}

static void test_strings(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    const char *text = "port";

    assert_string_equal(arena_strdup(a, text), "port");
    assert_ptr_not_equal(arena_strdup(a, text), text);
    assert_string_equal(arena_strndup(a, text, 2), "po");
    assert_string_equal(arena_printf(a, "%s %d", text, 25), "port 25");
}

static void test_append_keeps_what_was_there(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    uint32_t *numbers = NULL;
    size_t n = 0;

    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t *slot = ARENA_APPEND(a, numbers, n);

        assert_non_null(slot);
        assert_int_equal(*slot, 0);
        *slot = i;
    }
    assert_int_equal(n, 5000);
    for (uint32_t i = 0; i < 5000; i++)
        assert_int_equal(numbers[i], i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc_is_zeroed_and_aligned),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_append_keeps_what_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
