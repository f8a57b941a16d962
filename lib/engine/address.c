/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses are bytes in network order, so that memcmp() compares them and one code serves both
 * families; what a range is in prefix notation is worked out only where it is printed. Reading is
 * left to inet_pton(), which takes no shorthand ("10.1"), no octal and no zone. */
#include "engine/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    size_t size;
    int af;
} families[] = {
    [FAMILY_IPV4] = { "ip", 4, AF_INET },
    [FAMILY_IPV6] = { "ip6", 16, AF_INET6 },
};
static_assert(ARRAY_SIZE(families) == FAMILY_MAX, "a family has no row");

size_t family_size(enum family f) {
    return families[f].size;
}

const char *family_name(enum family f) {
    return families[f].name;
}

int address_parse(const char *text, enum family *ret_family, struct address *ret) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        struct address a = { 0 };

        if (inet_pton(families[f].af, text, a.bytes) == 1) {
            *ret_family = f;
            *ret = a;
            return 0;
        }
    }
    return ADDRESS_E_SYNTAX;
}

/* Decimal without sign, blanks and leading zeros. */
static bool length_parse(const char *text, size_t max, size_t *ret) {
    size_t value = 0;

    if (!*text || strlen(text) > 3 || (text[0] == '0' && text[1]))
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return false;
        value = value * 10 + (size_t)(*text - '0');
    }
    *ret = value;
    return value <= max;
}

/* The bits of byte `i` that a prefix of `length` leaves to the hosts. */
static uint8_t host_mask(size_t i, size_t length) {
    if (length >= (i + 1) * 8)
        return 0;
    return length <= i * 8 ? 0xff : (uint8_t)(0xff >> (length - i * 8));
}

static struct range range_of_prefix(const struct address *a, enum family f, size_t length) {
    struct range r = { .lo = *a, .hi = *a };

    for (size_t i = 0; i < family_size(f); i++) {
        r.lo.bytes[i] &= (uint8_t)~host_mask(i, length);
        r.hi.bytes[i] |= host_mask(i, length);
    }
    return r;
}

int prefix_parse(const char *text, enum family *ret_family, struct range *ret) {
    const char *slash = strchr(text, '/');
    char buf[INET6_ADDRSTRLEN];
    struct address a;
    enum family f;
    size_t n = slash ? (size_t)(slash - text) : strlen(text), length;

    if (n >= sizeof(buf))
        return ADDRESS_E_SYNTAX;
    memcpy(buf, text, n);
    buf[n] = '\0';
    if (address_parse(buf, &f, &a) != 0)
        return ADDRESS_E_SYNTAX;
    length = family_size(f) * 8;
    if (slash && !length_parse(slash + 1, length, &length))
        return ADDRESS_E_SYNTAX;
    *ret_family = f;
    *ret = range_of_prefix(&a, f, length);
    return address_compare(&a, &ret->lo) == 0 ? 0 : ADDRESS_E_HOST_BITS;
}

/* The length of the prefix that is exactly this range, or -1. */
static int range_prefix_length(const struct range *r, enum family f) {
    size_t bits = family_size(f) * 8, length = 0;
    struct range prefix;

    while (length < bits &&
           !((r->lo.bytes[length / 8] ^ r->hi.bytes[length / 8]) & (0x80 >> length % 8)))
        length++;
    prefix = range_of_prefix(&r->lo, f, length);
    if (address_compare(&prefix.lo, &r->lo) != 0 || address_compare(&prefix.hi, &r->hi) != 0)
        return -1;
    return (int)length;
}

const char *address_format(const struct address *a, enum family f,
                           char buf[static RANGE_TEXT_MAX]) {
    return inet_ntop(families[f].af, a->bytes, buf, RANGE_TEXT_MAX);
}

const char *range_format(const struct range *r, enum family f, char buf[static RANGE_TEXT_MAX]) {
    char lo[RANGE_TEXT_MAX], hi[RANGE_TEXT_MAX];
    int length = range_prefix_length(r, f);

    if (range_is_host(r))
        return address_format(&r->lo, f, buf);
    inet_ntop(families[f].af, r->lo.bytes, lo, INET6_ADDRSTRLEN);
    inet_ntop(families[f].af, r->hi.bytes, hi, INET6_ADDRSTRLEN);
    if (length >= 0)
        snprintf(buf, RANGE_TEXT_MAX, "%.46s/%d", lo, length);
    else
        snprintf(buf, RANGE_TEXT_MAX, "%.46s-%.46s", lo, hi);
    return buf;
}

int address_compare(const struct address *a, const struct address *b) {
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool range_is_host(const struct range *r) {
    return address_compare(&r->lo, &r->hi) == 0;
}

bool address_next(const struct address *a, enum family f, struct address *ret) {
    struct address next = *a;

    for (size_t i = family_size(f); i-- > 0;)
        if (++next.bytes[i] != 0) {
            *ret = next;
            return true;
        }
    return false;
}

static int range_compare(const void *x, const void *y) {
    const struct range *a = x, *b = y;
    int c = address_compare(&a->lo, &b->lo);

    return c ? c : address_compare(&a->hi, &b->hi);
}

/* Whether `b`, which begins no earlier, overlaps `a` or begins right behind it. */
static bool range_joins(const struct range *a, const struct range *b, enum family f) {
    struct address behind;

    return !address_next(&a->hi, f, &behind) || address_compare(&b->lo, &behind) <= 0;
}

void ranges_merge(struct ranges *r, enum family f) {
    size_t n = 0;

    if (r->n == 0)
        return;
    qsort(r->items, r->n, sizeof(*r->items), range_compare);
    for (size_t i = 1; i < r->n; i++) {
        struct range *last = &r->items[n], *next = &r->items[i];

        if (!range_joins(last, next, f))
            r->items[++n] = *next;
        else if (address_compare(&next->hi, &last->hi) > 0)
            last->hi = next->hi;
    }
    r->n = n + 1;
}

bool ranges_overlap(const struct ranges *r, const struct range *with) {
    size_t lo = 0, hi = r->n;

    while (lo < hi) { /* the first range that does not end before `with` begins */
        size_t middle = lo + (hi - lo) / 2;

        if (address_compare(&r->items[middle].hi, &with->lo) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < r->n && address_compare(&r->items[lo].lo, &with->hi) <= 0;
}

bool ranges_contain(const struct ranges *r, const struct address *a) {
    struct range one = { .lo = *a, .hi = *a };

    return ranges_overlap(r, &one);
}

/* Not of the first address of all. */
static struct address address_previous(const struct address *a, enum family f) {
    struct address previous = *a;

    for (size_t i = family_size(f); i-- > 0;)
        if (previous.bytes[i]-- != 0)
            break;
    return previous;
}

static int ranges_append(struct arena *a, struct ranges *r, const struct address *lo,
                         const struct address *hi) {
    struct range *slot = ARENA_APPEND(a, r->items, r->n);

    if (!slot)
        return -ENOMEM;
    *slot = (struct range){ .lo = *lo, .hi = *hi };
    return 0;
}

int ranges_subtract(struct arena *a, const struct ranges *from, const struct ranges *what,
                    enum family f, struct ranges *ret) {
    struct ranges left = { 0 };
    size_t first = 0;

    for (size_t i = 0; i < from->n; i++) {
        struct address lo = from->items[i].lo, hi = from->items[i].hi;
        bool has_more = true;

        while (first < what->n && address_compare(&what->items[first].hi, &lo) < 0)
            first++;
        for (size_t j = first; has_more && j < what->n; j++) {
            const struct range *w = &what->items[j];
            struct address before = address_previous(&w->lo, f);

            if (address_compare(&w->lo, &hi) > 0)
                break;
            if (address_compare(&w->lo, &lo) > 0 && ranges_append(a, &left, &lo, &before) < 0)
                return -ENOMEM;
            has_more = address_next(&w->hi, f, &lo) && address_compare(&lo, &hi) <= 0;
        }
        if (has_more && ranges_append(a, &left, &lo, &hi) < 0)
            return -ENOMEM;
    }
    *ret = left;
    return 0;
}
