/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_ADDRESS_H
#define PORTD_ENGINE_ADDRESS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family { FAMILY_IPV4, FAMILY_IPV6, FAMILY_MAX };

/* Bytes of an address of this family: 4 (RFC 791) or 16 (RFC 8200). */
size_t family_size(enum family f);
const char *family_name(enum family f); /* "ip", "ip6": nftables' words */

/* Network order; an IPv4 address stands in the first four bytes, the others are zero. */
struct address {
    uint8_t bytes[16];
};

/* All addresses from `lo` to `hi`, both included. Ranges of one family only are compared. */
struct range {
    struct address lo, hi;
};

/* One array a family, sorted and disjoint after ranges_merge(). */
struct ranges {
    struct range *items;
    size_t n;
};

enum {
    ADDRESS_E_SYNTAX = 1,    /* neither an address nor a prefix */
    ADDRESS_E_HOST_BITS = 2, /* 10.0.0.1/24: bits behind the prefix length are set */
};

/* "10.1.0.11", "10.1.0.0/24", "2001:db8::/32". No zone, no mask in dots. With
 * ADDRESS_E_HOST_BITS the results are what was probably meant: the prefix without these bits. */
int prefix_parse(const char *text, enum family *ret_family, struct range *ret);
int address_parse(const char *text, enum family *ret_family, struct address *ret);

#define RANGE_TEXT_MAX 96
/* "10.1.0.11", "10.1.0.0/24" or, where no prefix fits, "10.1.0.1-10.1.0.9". */
const char *range_format(const struct range *r, enum family f, char buf[static RANGE_TEXT_MAX]);
const char *address_format(const struct address *a, enum family f, char buf[static RANGE_TEXT_MAX]);

int address_compare(const struct address *a, const struct address *b);
bool range_is_host(const struct range *r);
/* The next address, or false when `a` is the family's last. */
bool address_next(const struct address *a, enum family f, struct address *ret);

/* Sorts, and joins ranges that overlap or touch. In place. */
void ranges_merge(struct ranges *r, enum family f);
/* Of merged ranges only. */
bool ranges_contain(const struct ranges *r, const struct address *a);
bool ranges_overlap(const struct ranges *r, const struct range *with);
/* What `from` has and `what` has not, in the arena; all three are sorted and disjoint. 0 or
 * -ENOMEM. */
int ranges_subtract(struct arena *a, const struct ranges *from, const struct ranges *what,
                    enum family f, struct ranges *ret);

#endif
