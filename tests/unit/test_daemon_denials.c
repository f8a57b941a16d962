/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of what was denied: adds up, orders, forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/denials.h"

#include <string.h>

#define SECOND ((uint64_t)1000000)
#define START  (SECOND * 1790000000)

static struct denied_key key(unsigned address, uint16_t port) {
    return (struct denied_key){ .address = { (uint8_t)(address >> 8), (uint8_t)address },
                                .port = port,
                                .protocol = 6,
                                .has_port = 1 };
}

static void add(struct denials *d, unsigned address, uint16_t port, uint32_t n, uint64_t when) {
    const struct denied_key k = key(address, port);

    denials_add(d, &k, n, when);
}

static int scene_open(void **state) {
    struct denials *d;

    assert_int_equal(denials_new(&d), 0);
    *state = d;
    return 0;
}

static int scene_close(void **state) {
    denials_free(*state);
    return 0;
}

static void test_adds_up(void **state) {
    struct denials *d = *state;
    const struct denial *i;

    assert_null(denials_newest(d));
    add(d, 1, 80, 2, START);
    add(d, 2, 80, 1, START + SECOND);
    add(d, 1, 81, 1, START + 2 * SECOND);
    add(d, 1, 80, 3, START + 3 * SECOND);
    i = denials_newest(d);
    assert_int_equal(i->packets, 5);
    assert_int_equal(i->first_usec, START);
    assert_int_equal(i->last_usec, START + 3 * SECOND);
    i = denials_older(d, i);
    assert_int_equal(i->key.port, 81);
    i = denials_older(d, i);
    assert_int_equal(i->key.address[1], 2);
    assert_null(denials_older(d, i));
    assert_int_equal(denials_forgotten(d), 0);
}

/* Who was quiet for longest goes; who is heard of again and again stays. */
static void test_forgets(void **state) {
    struct denials *d = *state;
    size_t n = 0;

    for (unsigned i = 0; i < 3 * DENIALS_MAX; i++) {
        add(d, i, 80, 1, START + i);
        add(d, 5, 22, 1, START + i);
        assert_int_equal(denials_newest(d)->key.port, 22);
        assert_int_equal(denials_newest(d)->packets, i + 1);
    }
    for (const struct denial *i = denials_newest(d); i; i = denials_older(d, i), n++)
        if (n > 0) {
            unsigned want = 3 * DENIALS_MAX - (unsigned)n;

            assert_int_equal(i->key.address[0] << 8 | i->key.address[1], want & 0xffff);
            assert_int_equal(i->packets, 1);
        }
    assert_int_equal(n, DENIALS_MAX);
    assert_int_equal(denials_forgotten(d), 2 * DENIALS_MAX + 1);
}

static void test_remembers_why_with_the_entry(void **state) {
    struct denials *d = *state;
    json_t *why = json_object();

    add(d, 1, 80, 1, START);
    denials_newest(d)->why = json_incref(why);
    for (unsigned i = 0; i < DENIALS_MAX; i++)
        add(d, i + 100, 80, 1, START);
    assert_int_equal(why->refcount, 1);
    json_decref(why);
}

static void test_last_hour(void **state) {
    struct denials *d = *state;
    struct denials_recent recent;
    struct denied_key k = key(1, 80);

    add(d, 1, 80, 10, START);
    add(d, 1, 81, 1, START + 10 * 60 * SECOND);
    add(d, 2, 81, 1, START + 20 * 60 * SECOND);
    k.would = 1;
    denials_add(d, &k, 7, START + 30 * 60 * SECOND);
    denials_recent(d, START + 40 * 60 * SECOND, &recent);
    assert_int_equal(recent.packets[0], 12);
    assert_int_equal(recent.addresses[0], 2);
    assert_int_equal(recent.packets[1], 7);
    assert_int_equal(recent.addresses[1], 1);
    denials_recent(d, START + 65 * 60 * SECOND, &recent);
    assert_int_equal(recent.packets[0], 2);
    assert_int_equal(recent.addresses[0], 2);
    denials_recent(d, START + 75 * 60 * SECOND, &recent);
    assert_int_equal(recent.packets[0], 1);
    assert_int_equal(recent.addresses[0], 1);
    denials_recent(d, START + 500 * 60 * SECOND, &recent);
    assert_int_equal(recent.packets[0] + recent.packets[1] + recent.addresses[1], 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_adds_up, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_forgets, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_remembers_why_with_the_entry, scene_open, scene_close),
        cmocka_unit_test_setup_teardown(test_last_hour, scene_open, scene_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
