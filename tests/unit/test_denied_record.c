/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which bytes are a record: every value of every byte of one that is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/macros.h"
#include "daemon/denied/record.h"

#include <string.h>

static struct record denied(void) {
    struct record r = { .type = RECORD_DENIED, .packets = 3 };

    r.key = (struct denied_key){
        .address = { 198, 51, 100, 7 }, .port = 3306, .protocol = 6, .has_port = 1
    };
    return r;
}

static bool is_record(const struct record *r) {
    struct record back;

    if (!record_take(r, sizeof(*r), &back))
        return false;
    assert_memory_equal(&back, r, sizeof(back));
    return true;
}

static void test_size(void **state) {
    struct record r = denied(), back;
    uint8_t bytes[2 * sizeof(r)] = { 0 };

    (void)state;
    memcpy(bytes, &r, sizeof(r));
    for (size_t n = 0; n <= sizeof(bytes); n++)
        assert_int_equal(record_take(bytes, n, &back), n == sizeof(r));
}

/* How many of the 256 values of each byte it may have, the others staying as they are. */
static void values_expect(const struct record *of, const size_t want[static sizeof(*of)]) {
    for (size_t i = 0; i < sizeof(*of); i++) {
        size_t n = 0;

        for (unsigned value = 0; value < 256; value++) {
            struct record r = *of;

            ((uint8_t *)&r)[i] = (uint8_t)value;
            n += is_record(&r);
        }
        if (n != want[i])
            fail_msg("byte %zu may have %zu values, not %zu", i, n, want[i]);
    }
}

static void test_denied(void **state) {
    enum { KEY = offsetof(struct record, key) };
    size_t want[sizeof(struct record)];
    struct record r = denied();

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        want[i] = 1;
    want[offsetof(struct record, packets)] = 255; /* all but no packet */
    want[offsetof(struct record, packets) + 1] = 256;
    want[offsetof(struct record, packets) + 2] = 1000000 / 65536 + 1;
    for (size_t i = 0; i < 4; i++)
        want[KEY + offsetof(struct denied_key, address) + i] = 256;
    want[KEY + offsetof(struct denied_key, port)] = 256;
    want[KEY + offsetof(struct denied_key, port) + 1] = 256;
    want[KEY + offsetof(struct denied_key, protocol)] = 3; /* those that have ports */
    want[KEY + offsetof(struct denied_key, family)] = 2;
    want[KEY + offsetof(struct denied_key, direction)] = 2;
    want[KEY + offsetof(struct denied_key, kind)] = 3;
    want[KEY + offsetof(struct denied_key, would)] = 2;
    values_expect(&r, want);
}

static void test_without_port(void **state) {
    struct record r = denied();

    (void)state;
    r.key.has_port = 0;
    assert_false(is_record(&r));
    r.key.port = 0;
    for (unsigned protocol = 0; protocol < 256; protocol++) {
        r.key.protocol = (uint8_t)protocol;
        assert_true(is_record(&r));
    }
    r.key.protocol = 1;
    r.key.has_port = 1;
    r.key.port = 255;
    assert_true(is_record(&r));
    r.key.port = 256;
    assert_false(is_record(&r));
}

static void test_packets(void **state) {
    struct record r = denied();

    (void)state;
    r.packets = RECORD_PACKETS_MAX;
    assert_true(is_record(&r));
    r.packets++;
    assert_false(is_record(&r));
    r.packets = 0;
    assert_false(is_record(&r));
}

static void test_losses(void **state) {
    struct record r = { .type = RECORD_LOSSES };
    size_t want[sizeof(r)];

    (void)state;
    r.losses = (struct losses){ .missed = 1, .crowded = 2, .unread = 3 };
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        want[i] = 1;
    for (size_t i = 0; i < 3; i++) {
        size_t at = offsetof(struct record, losses) + i * sizeof(uint32_t);

        want[at] = want[at + 1] = 256;
        want[at + 2] = 1000000 / 65536 + 1;
    }
    values_expect(&r, want);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_size),    cmocka_unit_test(test_denied),
        cmocka_unit_test(test_packets), cmocka_unit_test(test_without_port),
        cmocka_unit_test(test_losses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
