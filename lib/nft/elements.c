/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Written with libmnl alone: libnftnl copies every element into a list of its own, which for
 * 100,000 of them costs more than the kernel takes to read them, and hides attributes that it
 * doesn't know. A list attribute has a length of 16 bits, hence the pieces. */
#include "nft/elements.h"

#include "nft/shape.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <libnftnl/udata.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

#define LIST_MAX    60000U /* bytes of a list attribute */
#define ELEMENT_MAX 512U   /* bytes of one element: a key, a verdict, a chain's name of 256 */
#define HEADER_MAX  1024U  /* the header of a message with the names of table and set */

/* A concatenated key's fields are padded to registers of 4 bytes. */
#define SERVICE_PORT_OFFSET 4
#define SERVICE_SIZE        8
#define PORT_SIZE           2
#define ADDRESS_OFFSET      SERVICE_SIZE
#define GRANTED4_SIZE       12
#define GRANTED6_SIZE       24

/* The kernel rounds down to its ticks, 10 ms at most, and what is rounded to none is for ever. */
#define TIMEOUT_MIN_MSEC ((uint64_t)100)

struct key {
    uint8_t bytes[GRANTED6_SIZE];
    uint16_t n;
};

/* nft's data types (include/datatype.h of nftables); a concatenation has 6 bits a field. */
enum { NFT_TYPE_IPV4 = 7, NFT_TYPE_IPV6 = 8, NFT_TYPE_PROTO = 12, NFT_TYPE_PORT = 13 };
/* enum byteorder of the same: what NFTNL_UDATA_SET_KEYBYTEORDER says. */
enum { BYTEORDER_NONE = 0, BYTEORDER_BIG = 2 };

static const struct set_key keys[] = {
    [SET_IPV4] = { NFT_TYPE_IPV4, 4, BYTEORDER_BIG },
    [SET_IPV6] = { NFT_TYPE_IPV6, 16, BYTEORDER_BIG },
    [SET_SERVICE] = { NFT_TYPE_PROTO << 6 | NFT_TYPE_PORT, SERVICE_SIZE, BYTEORDER_NONE },
    [SET_PORT] = { NFT_TYPE_PORT, PORT_SIZE, BYTEORDER_BIG },
    [SET_GRANTED4] = { (NFT_TYPE_PROTO << 6 | NFT_TYPE_PORT) << 6 | NFT_TYPE_IPV4, GRANTED4_SIZE,
                       BYTEORDER_NONE },
    [SET_GRANTED6] = { (NFT_TYPE_PROTO << 6 | NFT_TYPE_PORT) << 6 | NFT_TYPE_IPV6, GRANTED6_SIZE,
                       BYTEORDER_NONE },
};
static_assert(ARRAY_SIZE(keys) == SET_TYPE_MAX, "a set type has no key");

const struct set_key *set_key(enum set_type type) {
    return &keys[type];
}

static uint16_t key_size(enum set_type type) {
    return (uint16_t)keys[type].size;
}

static enum family family_of(enum set_type type) {
    return type == SET_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;
}

static struct key key_of_address(const struct address *a, enum set_type type) {
    struct key k = { .n = key_size(type) };

    memcpy(k.bytes, a->bytes, k.n);
    return k;
}

static struct key key_of(const struct element *e, enum set_type type) {
    struct key k = { .n = key_size(type) };
    uint16_t port;

    if (set_type_has_addresses(type))
        return key_of_address(&e->range.lo, type);
    port = htons(e->service.port);
    if (type == SET_PORT) {
        memcpy(k.bytes, &port, sizeof(port));
        return k;
    }
    k.bytes[0] = e->service.protocol;
    memcpy(k.bytes + SERVICE_PORT_OFFSET, &port, sizeof(port));
    if (set_type_is_granted(type))
        memcpy(k.bytes + ADDRESS_OFFSET, e->range.lo.bytes, k.n - ADDRESS_OFFSET);
    return k;
}

static void key_put(struct nlmsghdr *nlh, const struct key *k) {
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_KEY);

    mnl_attr_put(nlh, NFTA_DATA_VALUE, k->n, k->bytes);
    mnl_attr_nest_end(nlh, nest);
}

static int verdict_put(struct nlmsghdr *nlh, const struct element *e) {
    struct nlattr *data, *nest;
    struct expr_verdict v;

    if (!shape_verdict_lower(e->verdict, e->chain, &v))
        return -EINVAL;
    data = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_DATA);
    nest = mnl_attr_nest_start(nlh, NFTA_DATA_VERDICT);
    mnl_attr_put_u32(nlh, NFTA_VERDICT_CODE, htonl((uint32_t)v.code));
    if (v.chain)
        mnl_attr_put_strz(nlh, NFTA_VERDICT_CHAIN, v.chain);
    mnl_attr_nest_end(nlh, nest);
    mnl_attr_nest_end(nlh, data);
    return 0;
}

/* What nft notes on a range without end, so that it isn't taken for a single address. */
static const uint8_t open_userdata[] = {
    NFTNL_UDATA_SET_ELEM_FLAGS, sizeof(uint32_t), NFTNL_SET_ELEM_F_INTERVAL_OPEN, 0, 0, 0
};

static void timeout_put(struct nlmsghdr *nlh, const struct element *e, uint64_t now_msec) {
    uint64_t left = e->until_msec > now_msec ? e->until_msec - now_msec : 0;

    if (e->until_msec == ELEMENT_FOR_EVER)
        return;
    mnl_attr_put_u64(nlh, NFTA_SET_ELEM_TIMEOUT,
                     htobe64(left > TIMEOUT_MIN_MSEC ? left : TIMEOUT_MIN_MSEC));
}

static int start_put(struct nlmsghdr *nlh, const struct element *e, const struct set *of,
                     bool is_open, uint64_t now_msec) {
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    struct key k = key_of(e, of->type);
    int r = 0;

    key_put(nlh, &k);
    if (set_type_is_granted(of->type))
        timeout_put(nlh, e, now_msec);
    if (of->is_map)
        r = verdict_put(nlh, e);
    if (is_open)
        mnl_attr_put(nlh, NFTA_SET_ELEM_USERDATA, sizeof(open_userdata), open_userdata);
    mnl_attr_nest_end(nlh, nest);
    return r;
}

static void end_put(struct nlmsghdr *nlh, const struct address *behind, enum set_type type) {
    struct nlattr *nest = mnl_attr_nest_start(nlh, NFTA_LIST_ELEM);
    struct key k = key_of_address(behind, type);

    mnl_attr_put_u32(nlh, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
    key_put(nlh, &k);
    mnl_attr_nest_end(nlh, nest);
}

static int element_put(struct nlmsghdr *nlh, const struct element *e, const struct set *of,
                       uint64_t now_msec) {
    struct address behind;
    bool is_open;
    int r;

    if (!of->is_interval)
        return start_put(nlh, e, of, false, now_msec);
    if (!set_type_has_addresses(of->type) || address_compare(&e->range.lo, &e->range.hi) > 0)
        return -EINVAL;
    is_open = !address_next(&e->range.hi, family_of(of->type), &behind);
    r = start_put(nlh, e, of, is_open, now_msec);
    if (r < 0 || is_open)
        return r;
    end_put(nlh, &behind, of->type);
    return 0;
}

/* As many elements as fit one list; returns the number or -errno. */
static ssize_t piece_put(struct nlmsghdr *nlh, const struct batch *b, const struct plan_op *op,
                         size_t from) {
    struct nlattr *list;
    uint32_t begin;
    size_t i;
    int r;

    mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_TABLE, b->table);
    mnl_attr_put_strz(nlh, NFTA_SET_ELEM_LIST_SET, op->set->name);
    begin = nlh->nlmsg_len;
    list = mnl_attr_nest_start(nlh, NFTA_SET_ELEM_LIST_ELEMENTS);
    for (i = from; i < op->n_elements && nlh->nlmsg_len - begin < LIST_MAX; i++) {
        r = element_put(nlh, op->elements[i], op->set, b->now_msec);
        if (r < 0)
            return r;
    }
    mnl_attr_nest_end(nlh, list);
    return (ssize_t)(i - from);
}

int elements_emit(struct batch *b, const struct plan_op *op, bool is_delete) {
    int r;

    for (size_t i = 0; i < op->n_elements;) {
        size_t left = (op->n_elements - i) * ELEMENT_MAX;
        size_t room = HEADER_MAX + ELEMENT_MAX + (left < LIST_MAX ? left : LIST_MAX);
        struct nlmsghdr *nlh = is_delete ? batch_begin(b, NFT_MSG_DELSETELEM, 0, room)
                                         : batch_begin(b, NFT_MSG_NEWSETELEM, NLM_F_CREATE, room);
        ssize_t n;

        if (!nlh)
            return -ENOMEM;
        n = piece_put(nlh, b, op, i);
        if (n < 0)
            return (int)n;
        r = batch_put(b, nlh, op);
        if (r < 0)
            return r;
        i += (size_t)n;
    }
    return 0;
}

static bool key_parse(const struct nlattr *a, enum set_type type, struct element *ret) {
    const struct nlattr *value;
    const uint8_t *bytes;
    struct attrs attrs;
    uint16_t port;

    if (!attrs_of_nest(a, &attrs))
        return false;
    value = attrs.by_type[NFTA_DATA_VALUE];
    if (!value || mnl_attr_get_payload_len(value) != key_size(type))
        return false;
    bytes = mnl_attr_get_payload(value);
    if (set_type_has_addresses(type)) {
        memcpy(ret->range.lo.bytes, bytes, key_size(type));
        ret->range.hi = ret->range.lo;
        return true;
    }
    memcpy(&port, bytes + (type == SET_PORT ? 0 : SERVICE_PORT_OFFSET), sizeof(port));
    ret->service.protocol = type == SET_PORT ? 0 : bytes[0];
    ret->service.port = ntohs(port);
    if (set_type_is_granted(type)) {
        memcpy(ret->range.lo.bytes, bytes + ADDRESS_OFFSET, key_size(type) - ADDRESS_OFFSET);
        ret->range.hi = ret->range.lo;
    }
    return !memcmp(key_of(ret, type).bytes, bytes, key_size(type)); /* the padding is zero */
}

static int verdict_parse(const struct nlattr *a, struct arena *arena, struct element *ret) {
    struct expr_verdict v;
    const char *chain;

    if (!expr_verdict_parse(a, &v) || !shape_verdict_lift(&v, &ret->verdict, &chain))
        return ELEMENT_E_FOREIGN;
    if (chain) {
        ret->chain = arena_strdup(arena, chain);
        if (!ret->chain)
            return -ENOMEM;
    }
    return 0;
}

static bool userdata_is_foreign(const struct nlattr *a) {
    return a && (mnl_attr_get_payload_len(a) != sizeof(open_userdata) ||
                 memcmp(mnl_attr_get_payload(a), open_userdata, sizeof(open_userdata)) != 0);
}

static void timeout_parse(const struct attrs *attrs, struct element *ret) {
    uint64_t timeout = attr_u64_or(attrs->by_type[NFTA_SET_ELEM_TIMEOUT], ELEMENT_FOR_EVER);

    ret->until_msec = attr_u64_or(attrs->by_type[NFTA_SET_ELEM_EXPIRATION], timeout);
}

/* What else an element can carry, in nft's words. */
static const char *element_foreign(const struct attrs *attrs, const struct set *of) {
    enum { TIMES = 2 }; /* the first are of elements that end by themselves */
    static const struct {
        int attr;
        const char *text;
    } extras[] = {
        { NFTA_SET_ELEM_TIMEOUT, "an element with a timeout" },
        { NFTA_SET_ELEM_EXPIRATION, "an element that expires" },
        { NFTA_SET_ELEM_EXPR, "an element with a counter or another expression" },
        { NFTA_SET_ELEM_EXPRESSIONS, "an element with expressions" },
        { NFTA_SET_ELEM_OBJREF, "an element that refers to an object" },
        { NFTA_SET_ELEM_KEY_END, "a concatenated range" },
    };

    for (size_t i = set_type_is_granted(of->type) ? TIMES : 0; i < ARRAY_SIZE(extras); i++)
        if (attrs->by_type[extras[i].attr])
            return extras[i].text;
    for (size_t i = NFTA_SET_ELEM_EXPRESSIONS + 1; i < ATTRS_MAX; i++)
        if (attrs->by_type[i])
            return "an element with something unknown";
    if (attrs->has_more)
        return "an element with something unknown";
    if (userdata_is_foreign(attrs->by_type[NFTA_SET_ELEM_USERDATA]))
        return "an element with a comment";
    return NULL;
}

int element_parse(const struct nlattr *attr, const struct set *of, struct arena *arena,
                  struct element_point *ret, const char **ret_foreign) {
    const struct nlattr *data;
    struct attrs attrs;
    uint32_t flags;
    int r = 0;

    *ret = (struct element_point){ 0 };
    *ret_foreign = "an element that makes no sense";
    if (!attrs_of_nest(attr, &attrs))
        return ELEMENT_E_FOREIGN;
    flags = attr_u32_or(attrs.by_type[NFTA_SET_ELEM_FLAGS], 0);
    data = attrs.by_type[NFTA_SET_ELEM_DATA];
    if (flags & NFT_SET_ELEM_CATCHALL)
        *ret_foreign = "a catch-all element";
    else if (element_foreign(&attrs, of))
        *ret_foreign = element_foreign(&attrs, of);
    else if (flags == 0 || (of->is_interval && flags == NFT_SET_ELEM_INTERVAL_END))
        *ret_foreign = NULL;
    ret->is_end = flags != 0;
    if (*ret_foreign)
        return ELEMENT_E_FOREIGN;
    if (set_type_is_granted(of->type))
        timeout_parse(&attrs, &ret->element);

    if (of->is_map && !ret->is_end)
        r = verdict_parse(data, arena, &ret->element);
    if (r == 0 && key_parse(attrs.by_type[NFTA_SET_ELEM_KEY], of->type, &ret->element))
        return 0;
    *ret_foreign = "an element of another kind";
    return r < 0 ? r : ELEMENT_E_FOREIGN;
}

/* Ascending; an end goes before the beginning at the same address, where two ranges touch. */
static int point_compare(const void *a, const void *b) {
    const struct element_point *x = a, *y = b;
    int r = address_compare(&x->element.range.lo, &y->element.range.lo);

    return r ? r : (int)y->is_end - (int)x->is_end;
}

static struct address address_before(const struct address *a, size_t size) {
    struct address before = *a;

    for (size_t i = size; i-- > 0;)
        if (before.bytes[i]-- != 0)
            break;
    return before;
}

static struct address address_last(size_t size) {
    struct address last = { 0 };

    memset(last.bytes, 0xff, size);
    return last;
}

static bool address_is_zero(const struct address *a) {
    return address_compare(a, &(struct address){ 0 }) == 0;
}

static int ranges_join(struct set *set, const struct element_point *points, size_t n) {
    size_t size = key_size(set->type);
    bool is_open = false;

    for (size_t i = 0; i < n; i++) {
        const struct address *at = &points[i].element.range.lo;

        if (!points[i].is_end) {
            if (is_open)
                return ELEMENT_E_FOREIGN;
            set->elements[set->n_elements] = points[i].element;
            set->elements[set->n_elements++].range.hi = address_last(size);
            is_open = true;
        } else if (is_open) {
            set->elements[set->n_elements - 1].range.hi = address_before(at, size);
            is_open = false;
        } else if (!address_is_zero(at)) {
            return ELEMENT_E_FOREIGN;
        }
    }
    return 0;
}

int elements_join(struct set *set, struct arena *arena, struct element_point *points, size_t n) {
    set->n_elements = 0;
    if (n == 0)
        return 0;
    set->elements = arena_alloc(arena, n * sizeof(*set->elements));
    if (!set->elements)
        return -ENOMEM;
    if (set->is_interval) {
        qsort(points, n, sizeof(*points), point_compare);
        return ranges_join(set, points, n);
    }
    for (size_t i = 0; i < n; i++)
        set->elements[set->n_elements++] = points[i].element;
    return 0;
}
