/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "engine/backoff.h"

#define START ((uint64_t)1000000000)

/* Repairs as fast as they are allowed from `now` on; how many until `end`. */
static unsigned repair_until(struct backoff *b, uint64_t now, uint64_t end) {
    unsigned n = 0;

    for (now = backoff_due(b, now); now < end; now = backoff_due(b, now)) {
        backoff_spend(b, now, now);
        n++;
    }
    return n;
}

static void test_the_first_ones_need_no_waiting(void **state) {
    struct backoff b = { 0 };

    (void)state;
    for (unsigned i = 0; i < BACKOFF_BURST; i++) {
        assert_int_equal(backoff_due(&b, START), START);
        backoff_spend(&b, START, START);
    }
    assert_int_equal(backoff_due(&b, START), START + BACKOFF_COST_USEC);
    assert_int_equal(backoff_due(&b, START + BACKOFF_COST_USEC / 4), START + BACKOFF_COST_USEC);
    assert_int_equal(backoff_due(&b, START + BACKOFF_COST_USEC), START + BACKOFF_COST_USEC);
}

static void test_the_rate_is_bounded(void **state) {
    struct backoff b = { 0 };
    uint64_t minute = 60000000;

    (void)state;
    assert_int_equal(repair_until(&b, START, START + minute),
                     BACKOFF_BURST + minute / BACKOFF_COST_USEC - 1);
}

static void test_a_fight_is_seen_and_ends(void **state) {
    struct backoff b = { 0 };

    (void)state;
    assert_false(backoff_is_fight(&b, START));
    for (unsigned i = 0; i < BACKOFF_BURST - 2; i++)
        backoff_spend(&b, START, START);
    assert_false(backoff_is_fight(&b, START));
    backoff_spend(&b, START, START);
    assert_true(backoff_is_fight(&b, START));
    assert_true(backoff_is_fight(&b, START + BACKOFF_COST_USEC - 1));
    assert_false(backoff_is_fight(&b, START + BACKOFF_COST_USEC));
}

/* Quiet time pays the debt off, and no more than the debt. */
static void test_quiet_time_pays(void **state) {
    struct backoff b = { 0 };
    uint64_t later = START + 1000 * (uint64_t)BACKOFF_COST_USEC * BACKOFF_BURST;

    (void)state;
    repair_until(&b, START, START + 10000000);
    assert_true(backoff_is_fight(&b, START + 10000000));
    assert_false(backoff_is_fight(&b, later));
    for (unsigned i = 0; i < BACKOFF_BURST; i++) {
        assert_int_equal(backoff_due(&b, later), later);
        backoff_spend(&b, later, later);
    }
    assert_true(backoff_due(&b, later) > later);
}

/* Repairs that take longer than their cost, one right after the other. */
static void test_slow_repairs_are_a_fight(void **state) {
    struct backoff b = { 0 };
    uint64_t took = 3 * (uint64_t)BACKOFF_COST_USEC, now = START;
    uint64_t cost = BACKOFF_COST_USEC + BACKOFF_REST * took;

    (void)state;
    for (unsigned i = 0; i < BACKOFF_BURST * BACKOFF_COST_USEC / cost; i++) {
        assert_int_equal(backoff_due(&b, now), now);
        backoff_spend(&b, now, now + took);
        now += took;
    }
    for (unsigned i = 0; i < BACKOFF_BURST; i++) {
        now = backoff_due(&b, now);
        backoff_spend(&b, now, now + took);
        now += took;
        assert_true(backoff_is_fight(&b, now));
    }
    assert_int_equal(backoff_due(&b, now), now + cost);
}

static void test_a_clock_that_stands_or_steps_back(void **state) {
    struct backoff b = { 0 };

    (void)state;
    for (unsigned i = 0; i < BACKOFF_BURST; i++)
        backoff_spend(&b, START, START);
    assert_int_equal(backoff_due(&b, START - 5), START - 5 + BACKOFF_COST_USEC);
    assert_true(backoff_is_fight(&b, START - 5));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_ones_need_no_waiting),
        cmocka_unit_test(test_the_rate_is_bounded),
        cmocka_unit_test(test_a_fight_is_seen_and_ends),
        cmocka_unit_test(test_quiet_time_pays),
        cmocka_unit_test(test_slow_repairs_are_a_fight),
        cmocka_unit_test(test_a_clock_that_stands_or_steps_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
