/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_ATTR_H
#define PORTD_NFT_ATTR_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Attributes of a netlink message from anywhere: every getter checks presence and length before
 * it reads, and tells by `false` (or NULL) that the attribute can't be what was asked for. */

#define ATTRS_MAX 32 /* more than any nf_tables object has (linux/netfilter/nf_tables.h) */

struct attrs {
    const struct nlattr *by_type[ATTRS_MAX];
    bool has_more; /* attributes of types that are not even numbered here */
};

/* Whether a message is whole in the `left` bytes from it on. mnl_nlmsg_ok() of libmnl 1.0.4 takes
 * a length above INT_MAX for less than `left`. */
bool message_is_whole(const struct nlmsghdr *nlh, int left);

/* The attributes behind the nfgenmsg of a message, or in a nest. False: they don't add up to the
 * length; *ret then holds those before the broken one. */
bool attrs_of_message(const struct nlmsghdr *nlh, struct attrs *ret);
bool attrs_of_nest(const struct nlattr *nest, struct attrs *ret);

/* Whether the elements of a nested list add up to its length: iterating stops where they don't. */
bool attr_list_is_whole(const struct nlattr *list);

/* Numbers are in network order on the wire, in host order here. */
bool attr_u8(const struct nlattr *a, uint8_t *ret);
bool attr_u16(const struct nlattr *a, uint16_t *ret);
bool attr_u32(const struct nlattr *a, uint32_t *ret);
bool attr_u64(const struct nlattr *a, uint64_t *ret);
/* A string with its NUL, pointing into the message. NULL: none. */
const char *attr_text(const struct nlattr *a);

/* An optional number: `otherwise` without it or when it can't be read. */
uint32_t attr_u32_or(const struct nlattr *a, uint32_t otherwise);
uint64_t attr_u64_or(const struct nlattr *a, uint64_t otherwise);

#endif
