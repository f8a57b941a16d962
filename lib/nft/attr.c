/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libnftnl parses too, but it passes over attributes that it doesn't know: a newer kernel's
 * expression would read as an older, weaker one. Here what is unknown stays visible. */
#include "nft/attr.h"

#include <arpa/inet.h>
#include <endian.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

bool message_is_whole(const struct nlmsghdr *nlh, int left) {
    return left >= (int)sizeof(*nlh) && nlh->nlmsg_len >= sizeof(*nlh) &&
           nlh->nlmsg_len <= (uint32_t)left;
}

static bool attrs_read(const void *start, size_t size, struct attrs *ret) {
    const struct nlattr *a = start;
    int left = (int)size;

    *ret = (struct attrs){ 0 };
    while (mnl_attr_ok(a, left)) {
        uint16_t type = mnl_attr_get_type(a);

        if (type < ATTRS_MAX)
            ret->by_type[type] = a;
        else
            ret->has_more = true;
        left -= (int)MNL_ALIGN(a->nla_len);
        a = mnl_attr_next(a);
    }
    return left <= 0; /* the padding of the last one may be missing */
}

bool attrs_of_message(const struct nlmsghdr *nlh, struct attrs *ret) {
    size_t head = MNL_ALIGN(sizeof(struct nfgenmsg)), size;

    *ret = (struct attrs){ 0 };
    if (nlh->nlmsg_len < MNL_NLMSG_HDRLEN + head)
        return false;
    size = nlh->nlmsg_len - MNL_NLMSG_HDRLEN - head;
    return attrs_read(mnl_nlmsg_get_payload_offset(nlh, head), size, ret);
}

bool attrs_of_nest(const struct nlattr *nest, struct attrs *ret) {
    *ret = (struct attrs){ 0 };
    return nest && attrs_read(mnl_attr_get_payload(nest), mnl_attr_get_payload_len(nest), ret);
}

bool attr_list_is_whole(const struct nlattr *list) {
    struct attrs ignored;

    return attrs_of_nest(list, &ignored);
}

static bool attr_copy(const struct nlattr *a, void *ret, size_t size) {
    if (!a || mnl_attr_get_payload_len(a) != size)
        return false;
    memcpy(ret, mnl_attr_get_payload(a), size);
    return true;
}

bool attr_u8(const struct nlattr *a, uint8_t *ret) {
    return attr_copy(a, ret, sizeof(*ret));
}

bool attr_u16(const struct nlattr *a, uint16_t *ret) {
    uint16_t wire;

    if (!attr_copy(a, &wire, sizeof(wire)))
        return false;
    *ret = ntohs(wire);
    return true;
}

bool attr_u32(const struct nlattr *a, uint32_t *ret) {
    uint32_t wire;

    if (!attr_copy(a, &wire, sizeof(wire)))
        return false;
    *ret = ntohl(wire);
    return true;
}

bool attr_u64(const struct nlattr *a, uint64_t *ret) {
    uint64_t wire;

    if (!attr_copy(a, &wire, sizeof(wire)))
        return false;
    *ret = be64toh(wire);
    return true;
}

uint32_t attr_u32_or(const struct nlattr *a, uint32_t otherwise) {
    attr_u32(a, &otherwise);
    return otherwise;
}

uint64_t attr_u64_or(const struct nlattr *a, uint64_t otherwise) {
    attr_u64(a, &otherwise);
    return otherwise;
}

const char *attr_text(const struct nlattr *a) {
    size_t size = a ? mnl_attr_get_payload_len(a) : 0;
    const char *text;

    if (size == 0)
        return NULL;
    text = mnl_attr_get_payload(a);
    return memchr(text, '\0', size) == text + size - 1 ? text : NULL;
}
