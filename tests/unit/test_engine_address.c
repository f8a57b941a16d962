/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/address.h"

#include "loading.h"

static const struct {
    const char *text;
    int result;
    enum family family;
    const char *formatted; /* with host bits: what was meant */
} prefixes[] = {
    { "10.1.0.11", 0, FAMILY_IPV4, "10.1.0.11" },
    { "10.1.0.0/24", 0, FAMILY_IPV4, "10.1.0.0/24" },
    { "10.1.0.11/32", 0, FAMILY_IPV4, "10.1.0.11" },
    { "0.0.0.0/0", 0, FAMILY_IPV4, "0.0.0.0/0" },
    { "255.255.255.255", 0, FAMILY_IPV4, "255.255.255.255" },
    { "10.8.0.0/13", 0, FAMILY_IPV4, "10.8.0.0/13" },
    { "2001:db8::/32", 0, FAMILY_IPV6, "2001:db8::/32" },
    { "2001:DB8:0:0::1", 0, FAMILY_IPV6, "2001:db8::1" },
    { "::/0", 0, FAMILY_IPV6, "::/0" },
    { "fe80::/10", 0, FAMILY_IPV6, "fe80::/10" },
    { "::ffff:10.0.0.1", 0, FAMILY_IPV6, "::ffff:10.0.0.1" },
    { "10.0.0.1/24", ADDRESS_E_HOST_BITS, FAMILY_IPV4, "10.0.0.0/24" },
    { "10.0.0.1/0", ADDRESS_E_HOST_BITS, FAMILY_IPV4, "0.0.0.0/0" },
    { "2001:db8::1/64", ADDRESS_E_HOST_BITS, FAMILY_IPV6, "2001:db8::/64" },
    { "", ADDRESS_E_SYNTAX, 0, NULL },
    { "/", ADDRESS_E_SYNTAX, 0, NULL },
    { "/8", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.300", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1", ADDRESS_E_SYNTAX, 0, NULL },
    { "010.1.0.1", ADDRESS_E_SYNTAX, 0, NULL },
    { "0x0a.1.0.1", ADDRESS_E_SYNTAX, 0, NULL },
    { " 10.1.0.1", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.1 ", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/33", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/08", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/+8", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/-1", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/8/8", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/4294967304", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.0/255.255.0.0", ADDRESS_E_SYNTAX, 0, NULL },
    { "10.1.0.1-10.1.0.9", ADDRESS_E_SYNTAX, 0, NULL },
    { "::/129", ADDRESS_E_SYNTAX, 0, NULL },
    { "fe80::1%eth0", ADDRESS_E_SYNTAX, 0, NULL },
    { "1:2:3:4:5:6:7", ADDRESS_E_SYNTAX, 0, NULL },
    { "acd-lb1", ADDRESS_E_SYNTAX, 0, NULL },
    { "1111:2222:3333:4444:5555:6666:7777:8888:9999:1111:2222:3333", ADDRESS_E_SYNTAX, 0, NULL },
};

static void test_prefixes(_unused_ void **state) {
    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++) {
        char buf[RANGE_TEXT_MAX];
        enum family family;
        struct range range;

        if (prefix_parse(prefixes[i].text, &family, &range) != prefixes[i].result)
            fail_msg("%s", prefixes[i].text);
        if (prefixes[i].result == ADDRESS_E_SYNTAX)
            continue;
        assert_int_equal(family, prefixes[i].family);
        assert_string_equal(range_format(&range, family, buf), prefixes[i].formatted);
    }
}

static struct range range_make(const char *lo, const char *hi, enum family *ret_family) {
    struct range r;

    assert_int_equal(address_parse(lo, ret_family, &r.lo), 0);
    assert_int_equal(address_parse(hi, ret_family, &r.hi), 0);
    return r;
}

static void test_format_of_ranges(_unused_ void **state) {
    static const struct {
        const char *lo, *hi, *text;
    } cases[] = {
        { "10.1.0.1", "10.1.0.9", "10.1.0.1-10.1.0.9" },
        { "10.1.0.0", "10.1.0.9", "10.1.0.0-10.1.0.9" },
        { "10.1.0.1", "10.1.0.2", "10.1.0.1-10.1.0.2" },
        { "10.1.0.2", "10.1.0.3", "10.1.0.2/31" },
        { "10.1.0.0", "10.1.1.255", "10.1.0.0/23" },
        { "10.1.1.0", "10.1.2.255", "10.1.1.0-10.1.2.255" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.254",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe",
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fff1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe" },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buf[RANGE_TEXT_MAX];
        enum family family;
        struct range r = range_make(cases[i].lo, cases[i].hi, &family);

        assert_string_equal(range_format(&r, family, buf), cases[i].text);
    }
}

static void test_next(_unused_ void **state) {
    static const struct {
        const char *address, *next;
    } cases[] = {
        { "10.1.0.11", "10.1.0.12" },
        { "10.1.255.255", "10.2.0.0" },
        { "255.255.255.255", NULL },
        { "2001:db8::ffff", "2001:db8::1:0" },
        { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL },
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct address a, next;
        char buf[RANGE_TEXT_MAX];
        enum family family;

        assert_int_equal(address_parse(cases[i].address, &family, &a), 0);
        assert_int_equal(address_next(&a, family, &next), cases[i].next != NULL);
        if (cases[i].next)
            assert_string_equal(address_format(&next, family, buf), cases[i].next);
    }
}

/* The law is tried where it can be counted: in the last 256 addresses of a family, so that the
 * end of all addresses is among them, and as bits. */
static struct address small_address(enum family f, uint8_t last) {
    struct address a = { 0 };

    memset(a.bytes, 0xff, family_size(f));
    a.bytes[family_size(f) - 1] = last;
    return a;
}

static struct range small_range(enum family f, uint32_t *seed) {
    uint8_t lo = (uint8_t)random_next(seed);
    unsigned width = random_next(seed) % 3 ? random_next(seed) % 4 : random_next(seed) % 60;
    uint8_t hi = lo + width > 255 ? 255 : (uint8_t)(lo + width);

    return (struct range){ small_address(f, lo), small_address(f, hi) };
}

static uint8_t last_byte(const struct address *a, enum family f) {
    return a->bytes[family_size(f) - 1];
}

static void bits_set(bool bits[256], const struct range *r, enum family f) {
    for (unsigned i = last_byte(&r->lo, f); i <= last_byte(&r->hi, f); i++)
        bits[i] = true;
}

/* Maximal runs of set bits are what merging must give. */
static void assert_is_bits(const struct ranges *r, enum family f, const bool bits[256]) {
    size_t n = 0;

    for (unsigned i = 0; i < 256; i++) {
        if (!bits[i] || (i > 0 && bits[i - 1]))
            continue;
        assert_true(n < r->n);
        assert_int_equal(last_byte(&r->items[n].lo, f), i);
        while (i < 255 && bits[i + 1])
            i++;
        assert_int_equal(last_byte(&r->items[n].hi, f), i);
        n++;
    }
    assert_int_equal(r->n, n);
}

static void assert_answers(const struct ranges *r, enum family f, const bool bits[256],
                           uint32_t *seed) {
    for (unsigned i = 0; i < 256; i++) {
        struct address a = small_address(f, (uint8_t)i);

        assert_int_equal(ranges_contain(r, &a), bits[i]);
    }
    for (unsigned i = 0; i < 20; i++) {
        struct range with = small_range(f, seed);
        bool expected = false;

        for (unsigned j = last_byte(&with.lo, f); j <= last_byte(&with.hi, f); j++)
            expected = expected || bits[j];
        assert_int_equal(ranges_overlap(r, &with), expected);
    }
}

static void test_merge_is_union(_unused_ void **state) {
    uint32_t seed = 1;

    for (unsigned round = 0; round < 3000; round++) {
        enum family f = round % FAMILY_MAX;
        struct range items[40];
        struct ranges r = { .items = items, .n = random_next(&seed) % ARRAY_SIZE(items) };
        bool bits[256] = { false };

        for (size_t i = 0; i < r.n; i++) {
            items[i] = small_range(f, &seed);
            bits_set(bits, &items[i], f);
        }
        ranges_merge(&r, f);
        assert_is_bits(&r, f, bits);
        assert_answers(&r, f, bits, &seed);
    }
}

static struct ranges small_ranges(enum family f, struct range items[static 20], uint32_t *seed,
                                  bool bits[static 256]) {
    struct ranges r = { .items = items, .n = random_next(seed) % 20 };

    for (size_t i = 0; i < r.n; i++) {
        items[i] = small_range(f, seed);
        bits_set(bits, &items[i], f);
    }
    ranges_merge(&r, f);
    return r;
}

static void test_subtract_is_difference(_unused_ void **state) {
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    uint32_t seed = 1;

    for (unsigned round = 0; round < 3000; round++) {
        enum family f = round % FAMILY_MAX;
        struct range items[20], others[20];
        bool bits[256] = { false }, other_bits[256] = { false };
        struct ranges from = small_ranges(f, items, &seed, bits);
        struct ranges what = small_ranges(f, others, &seed, other_bits), left;

        assert_int_equal(ranges_subtract(arena, &from, &what, f, &left), 0);
        for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
            bits[i] = bits[i] && !other_bits[i];
        assert_is_bits(&left, f, bits);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefixes),
        cmocka_unit_test(test_format_of_ranges),
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_merge_is_union),
        cmocka_unit_test(test_subtract_is_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
