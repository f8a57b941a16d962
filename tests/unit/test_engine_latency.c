/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "engine/latency.h"

static long long number(const json_t *o, const char *key) {
    const json_t *value = json_object_get(o, key);

    assert_true(json_is_integer(value));
    return (long long)json_integer_value(value);
}

static void test_bounds_rise(void **state _unused_) {
    assert_int_equal(latency_bound(0), 100);
    for (unsigned i = 1; i < LATENCY_BOUNDS; i++)
        assert_true(latency_bound(i) > latency_bound(i - 1));
    assert_int_equal(latency_bound(LATENCY_BOUNDS - 1), 10000000);
}

/* A bound is part of what it bounds; what is longer than all of them counts in the sum alone. */
static void test_each_counts_once(void **state _unused_) {
    struct latency l = { 0 };
    uint64_t within = 0;

    latency_add(&l, 1);
    latency_add(&l, 100);
    latency_add(&l, 101);
    latency_add(&l, 10000000);
    latency_add(&l, 10000001);
    assert_int_equal(l.n, 5);
    assert_int_equal(l.usec, 20000203);
    assert_int_equal(l.within[0], 2);
    assert_int_equal(l.within[1], 1);
    assert_int_equal(l.within[LATENCY_BOUNDS - 1], 1);
    for (unsigned i = 0; i < LATENCY_BOUNDS; i++)
        within += l.within[i];
    assert_int_equal(within, 4);
}

static void test_bounds_count_what_is_shorter(void **state _unused_) {
    struct latency l = { 0 };
    const json_t *list;
    json_t *o;

    latency_add(&l, 50);
    latency_add(&l, 700);
    latency_add(&l, 20000000);
    o = latency_json(&l);
    assert_int_equal(number(o, "count"), 3);
    assert_int_equal(number(o, "usec"), 20000750);
    list = json_object_get(o, "at_most");
    assert_int_equal(json_array_size(list), LATENCY_BOUNDS);
    assert_int_equal(number(json_array_get(list, 0), "usec"), 100);
    assert_int_equal(number(json_array_get(list, 0), "count"), 1);
    assert_int_equal(number(json_array_get(list, 2), "count"), 1);
    assert_int_equal(number(json_array_get(list, 3), "usec"), 1000);
    assert_int_equal(number(json_array_get(list, 3), "count"), 2);
    assert_int_equal(number(json_array_get(list, LATENCY_BOUNDS - 1), "count"), 2);
    json_decref(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds_rise),
        cmocka_unit_test(test_each_counts_once),
        cmocka_unit_test(test_bounds_count_what_is_shorter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
