/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DNS messages written byte by byte (RFC 1035 section 4.1), right and wrong. */
#include "daemon/resolver/answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NAME      "my.mailstore.com"
#define TYPE_A    1
#define CNAME     5
#define TYPE_AAAA 28
#define QR        0x8000U
#define TC        0x0200U

struct wire {
    uint8_t bytes[65535];
    size_t n;
};

static void put8(struct wire *w, unsigned value) {
    w->bytes[w->n++] = (uint8_t)value;
}

static void put16(struct wire *w, unsigned value) {
    put8(w, value >> 8 & 0xff);
    put8(w, value & 0xff);
}

static void put_name(struct wire *w, const char *name) {
    while (*name) {
        size_t n = strcspn(name, ".");

        put8(w, (unsigned)n);
        memcpy(w->bytes + w->n, name, n);
        w->n += n;
        name += n + (name[n] == '.');
    }
    put8(w, 0);
}

/* Header and question. */
static void begin(struct wire *w, unsigned flags) {
    *w = (struct wire){ .n = 0 };
    put16(w, 0x1234);
    put16(w, flags);
    put16(w, 1);
    for (int i = 0; i < 3; i++)
        put16(w, 0);
    put_name(w, NAME);
    put16(w, TYPE_A);
    put16(w, 1);
}

static void put_owner(struct wire *w, const char *owner, unsigned type, unsigned class,
                      uint32_t ttl) {
    unsigned n = (unsigned)(w->bytes[6] << 8 | w->bytes[7]) + 1;

    w->bytes[6] = (uint8_t)(n >> 8);
    w->bytes[7] = (uint8_t)n;
    put_name(w, owner);
    put16(w, type);
    put16(w, class);
    put16(w, ttl >> 16);
    put16(w, ttl & 0xffff);
}

static void put_address(struct wire *w, const char *owner, uint32_t ttl, const char *text) {
    struct address a;
    enum family f;

    assert_int_equal(address_parse(text, &f, &a), 0);
    put_owner(w, owner, f == FAMILY_IPV4 ? TYPE_A : TYPE_AAAA, 1, ttl);
    put16(w, (unsigned)family_size(f));
    memcpy(w->bytes + w->n, a.bytes, family_size(f));
    w->n += family_size(f);
}

static void put_alias(struct wire *w, const char *owner, uint32_t ttl, const char *target) {
    put_owner(w, owner, CNAME, 1, ttl);
    put16(w, (unsigned)strlen(target) + 2);
    put_name(w, target);
}

/* "192.0.2.1 192.0.2.2 ttl 60", "none", "failed: …" */
static void expect_in(const struct wire *w, enum family f, const char *want) {
    char got[4096] = "", text[RANGE_TEXT_MAX];
    struct answer a = { 0 };

    answer_parse(w->bytes, w->n, NAME, f, &a);
    for (size_t i = 0; i < a.n && i < 16; i++) {
        strcat(got, address_format(&a.items[i], f, text));
        strcat(got, " ");
    }
    if (a.kind == ANSWER_ADDRESSES)
        sprintf(got + strlen(got), "ttl %u", a.ttl);
    else if (a.kind == ANSWER_NONE)
        sprintf(got, "none");
    else
        sprintf(got, "failed: %s", a.error);
    assert_string_equal(got, want);
    answer_clear(&a);
}

static void expect(const struct wire *w, const char *want) {
    expect_in(w, FAMILY_IPV4, want);
}

static void test_addresses(void **state _unused_) {
    struct wire w;

    begin(&w, QR);
    put_address(&w, NAME, 60, "203.0.113.80");
    put_address(&w, NAME, 30, "192.0.2.9");
    put_address(&w, "My.MailStore.COM", 90, "203.0.113.80");
    put_address(&w, NAME, 5, "2001:db8::80");
    expect(&w, "192.0.2.9 203.0.113.80 ttl 30");
    expect_in(&w, FAMILY_IPV6, "2001:db8::80 ttl 5");
    begin(&w, QR);
    put_address(&w, NAME, 60, "203.0.113.80");
    expect_in(&w, FAMILY_IPV6, "none");
    begin(&w, QR);
    expect(&w, "none");
}

/* In any order, and the least time of all that was followed. */
static void test_aliases(void **state _unused_) {
    struct wire w;

    begin(&w, QR);
    put_address(&w, "c.example.net", 300, "192.0.2.3");
    put_alias(&w, "b.example.net", 20, "c.example.net");
    put_alias(&w, NAME, 40, "b.example.net");
    expect(&w, "192.0.2.3 ttl 20");
    put_alias(&w, "b.example.net", 1, "d.example.net");
    put_address(&w, "d.example.net", 1, "192.0.2.4");
    expect(&w, "192.0.2.3 ttl 20");
    begin(&w, QR);
    put_alias(&w, NAME, 40, "b.example.net");
    expect(&w, "none");
    put_alias(&w, "b.example.net", 40, NAME);
    expect(&w, "failed: more than 16 aliases one behind the other");
}

static void test_chain_length(void **state _unused_) {
    char owner[32] = NAME, target[32];
    struct wire w;

    begin(&w, QR);
    for (unsigned n = 1; n <= ANSWER_ALIASES_MAX; n++) {
        snprintf(target, sizeof(target), "a%u.example.net", n);
        put_alias(&w, owner, 60, target);
        strcpy(owner, target);
    }
    put_address(&w, owner, 60, "192.0.2.1");
    expect(&w, "192.0.2.1 ttl 60");
    put_alias(&w, owner, 60, "one.more.example.net");
    expect(&w, "failed: more than 16 aliases one behind the other");
}

/* Records that nobody asked for, and those of another class. */
static void test_strangers(void **state _unused_) {
    struct wire w;

    begin(&w, QR);
    put_address(&w, "other.example.net", 0, "198.51.100.66");
    put_alias(&w, "other.example.net", 0, "more.example.net");
    put_address(&w, "more.example.net", 0, "198.51.100.66");
    put_owner(&w, NAME, TYPE_A, 3, 0);
    put16(&w, 4);
    put16(&w, 0x0102);
    put16(&w, 0x0304);
    expect(&w, "none");
    put_address(&w, NAME, 60, "192.0.2.1");
    expect(&w, "192.0.2.1 ttl 60");
}

static void test_codes(void **state _unused_) {
    static const char *const want[] = { NULL,
                                        "failed: FORMERR",
                                        "failed: SERVFAIL",
                                        "failed: NXDOMAIN",
                                        "failed: NOTIMP",
                                        "failed: REFUSED",
                                        "failed: DNS error 6" };
    struct wire w;

    for (unsigned code = 1; code < ARRAY_SIZE(want); code++) {
        begin(&w, QR | code);
        put_address(&w, NAME, 60, "192.0.2.1");
        expect(&w, want[code]);
    }
    begin(&w, 0);
    expect(&w, "failed: a DNS message that is no answer");
    begin(&w, QR | 0x2800U);
    expect(&w, "failed: a DNS message that is no answer");
    begin(&w, QR | TC);
    put_address(&w, NAME, 60, "192.0.2.1");
    expect(&w, "failed: an answer that is cut off");
}

/* Cut anywhere, or with a byte too many, it is no message. */
static void test_garbage(void **state _unused_) {
    struct wire w, cut;

    begin(&w, QR);
    put_alias(&w, NAME, 60, "b.example.net");
    put_address(&w, "b.example.net", 60, "192.0.2.1");
    for (size_t n = 0; n < w.n; n++) {
        cut = w;
        cut.n = n;
        expect(&cut, "failed: an answer that is no DNS message");
    }
    put8(&w, 0);
    expect(&w, "failed: an answer that is no DNS message");
    begin(&w, QR);
    put_owner(&w, NAME, TYPE_A, 1, 60);
    put16(&w, 3);
    put8(&w, 1);
    put16(&w, 1);
    expect(&w, "failed: an answer that is no DNS message");
    begin(&w, QR);
    put_owner(&w, NAME, CNAME, 1, 60);
    put16(&w, 3);
    put8(&w, 0); /* the root, and two bytes behind it */
    put16(&w, 1);
    expect(&w, "failed: an answer that is no DNS message");
}

/* RFC 2181 section 8. */
static void test_times(void **state _unused_) {
    struct wire w;

    begin(&w, QR);
    put_address(&w, NAME, 0x7fffffffU, "192.0.2.1");
    expect(&w, "192.0.2.1 ttl 2147483647");
    put_address(&w, NAME, 0x80000000U, "192.0.2.2");
    expect(&w, "192.0.2.1 192.0.2.2 ttl 0");
}

static void put_many(struct wire *w, unsigned n) {
    begin(w, QR);
    for (unsigned i = 0; i < n; i++) {
        char text[32];

        snprintf(text, sizeof(text), "198.18.%u.%u", i / 250, i % 250 + 1);
        put_address(w, NAME, 60, text);
    }
}

static void test_many(void **state _unused_) {
    struct answer a = { 0 };
    struct wire w;

    put_many(&w, ANSWER_ADDRESSES_MAX);
    put_address(&w, NAME, 60, "198.18.0.1");
    answer_parse(w.bytes, w.n, NAME, FAMILY_IPV4, &a);
    assert_int_equal(a.kind, ANSWER_ADDRESSES);
    assert_int_equal(a.n, ANSWER_ADDRESSES_MAX);
    answer_clear(&a);
    put_many(&w, ANSWER_ADDRESSES_MAX + 1);
    expect(&w, "failed: 257 addresses, more than the 256 that are taken");
    put_many(&w, 1900);
    expect(&w, "failed: 1900 addresses, more than the 256 that are taken");
}

static void test_set(void **state _unused_) {
    struct address items[] = { { { 2 } }, { { 1 } }, { { 2 } } };
    struct answer a = { 0 };

    answer_fail(&a, "%s", "why");
    answer_set(&a, items, ARRAY_SIZE(items), 7);
    assert_int_equal(a.kind, ANSWER_ADDRESSES);
    assert_int_equal(a.n, 2);
    assert_int_equal(a.items[0].bytes[0], 1);
    assert_int_equal(a.ttl, 7);
    answer_set(&a, NULL, 0, 7);
    assert_int_equal(a.kind, ANSWER_NONE);
    answer_clear(&a);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),    cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_chain_length), cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_codes),        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_times),        cmocka_unit_test(test_many),
        cmocka_unit_test(test_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
