/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The registers are followed as the kernel would fill them, with the name of what is in them
 * instead of a value. A comparison with a register whose content has no name is a condition that
 * portd can't read; so is every expression that it doesn't know. */
#include "nft/reading.h"

#include "nft/expr.h"
#include "nft/xtables.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#define SLOTS 16U /* of four bytes; NFT_REG_1 … 4 are four slots each */

/* What a register holds. */
struct content {
    enum foreign_field field;
    enum family family;
    uint32_t size; /* bytes */
    bool is_masked;
    struct expr_data mask;
};

struct reading {
    const struct foreign_table *table;
    struct arena *arena;
    struct foreign_rule *rule;
    struct content slots[SLOTS];
    int family; /* NFPROTO_* that the rule has made sure of; -1: none */
    bool is_unread;
    int error;
};

static bool slot_of(uint32_t reg, uint32_t *ret) {
    if (reg >= NFT_REG_1 && reg <= NFT_REG_4)
        *ret = (reg - NFT_REG_1) * 4;
    else if (reg >= NFT_REG32_00 && reg <= NFT_REG32_15)
        *ret = reg - NFT_REG32_00;
    else
        return false;
    return true;
}

static void forget(struct reading *rd) {
    memset(rd->slots, 0, sizeof(rd->slots));
}

/* Wide contents cover the slots behind the first. */
static void load(struct reading *rd, uint32_t reg, struct content c) {
    uint32_t slot;

    if (!slot_of(reg, &slot))
        return;
    for (uint32_t i = slot; i < SLOTS && i < slot + 4; i++)
        if (i == slot || i < slot + (c.size + 3) / 4)
            rd->slots[i] = (struct content){ 0 };
    rd->slots[slot] = c;
}

static struct content held(const struct reading *rd, uint32_t reg) {
    uint32_t slot;

    return slot_of(reg, &slot) ? rd->slots[slot] : (struct content){ 0 };
}

static void add_match(struct reading *rd, struct foreign_match m) {
    struct foreign_match *slot;

    if (rd->error)
        return;
    slot = ARENA_APPEND(rd->arena, rd->rule->matches, rd->rule->n_matches);
    if (slot)
        *slot = m;
    else
        rd->error = -ENOMEM;
}

static void add_unread(struct reading *rd) {
    rd->is_unread = true;
    add_match(rd, (struct foreign_match){ .field = FIELD_UNREAD });
}

static void read_meta(struct reading *rd, const struct expr *e) {
    static const struct {
        uint32_t key;
        enum foreign_field field;
        uint32_t size;
    } keys[] = {
        { NFT_META_NFPROTO, FIELD_FAMILY, 1 },   { NFT_META_L4PROTO, FIELD_PROTOCOL, 1 },
        { NFT_META_IIF, FIELD_IIF, 4 },          { NFT_META_OIF, FIELD_OIF, 4 },
        { NFT_META_IIFNAME, FIELD_IIFNAME, 16 }, { NFT_META_OIFNAME, FIELD_OIFNAME, 16 },
    };
    struct content c = { 0 };

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (keys[i].key == e->meta.key)
            c = (struct content){ .field = keys[i].field, .size = keys[i].size };
    load(rd, e->meta.dreg, c);
}

static void read_ct(struct reading *rd, const struct expr *e) {
    struct content c = { .size = 16 }; /* without a name; as much as the widest may fill */

    if (e->ct.key == NFT_CT_STATE)
        c = (struct content){ .field = FIELD_CT_STATE, .size = 4 };
    else if (e->ct.key == NFT_CT_STATUS)
        c = (struct content){ .field = FIELD_CT_STATUS, .size = 4 };
    else if (e->ct.key == NFT_CT_DIRECTION)
        c = (struct content){ .field = FIELD_CT_DIRECTION, .size = 1 };
    load(rd, e->ct.dreg, c);
}

static void read_fib(struct reading *rd, const struct expr *e) {
    struct content c = { 0 };

    if (e->fib.result == NFT_FIB_RESULT_ADDRTYPE && e->fib.flags == NFTA_FIB_F_DADDR)
        c = (struct content){ .field = FIELD_DESTINATION_TYPE, .size = 4 };
    load(rd, e->fib.dreg, c);
}

/* Addresses may be loaded from the front only: nft does that for prefixes of whole bytes. */
static struct content network_content(const struct reading *rd, uint32_t offset, uint32_t size) {
    static const struct {
        int nfproto;
        uint32_t offset, size;
        enum foreign_field field;
    } headers[] = {
        { NFPROTO_IPV4, 9, 1, FIELD_PROTOCOL },     { NFPROTO_IPV4, 12, 4, FIELD_SOURCE },
        { NFPROTO_IPV4, 16, 4, FIELD_DESTINATION }, { NFPROTO_IPV6, 6, 1, FIELD_PROTOCOL },
        { NFPROTO_IPV6, 8, 16, FIELD_SOURCE },      { NFPROTO_IPV6, 24, 16, FIELD_DESTINATION },
    };

    for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
        if (headers[i].nfproto == rd->family && headers[i].offset == offset &&
            size <= headers[i].size)
            return (struct content){ .field = headers[i].field,
                                     .family =
                                         rd->family == NFPROTO_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6,
                                     .size = size };
    return (struct content){ .size = size };
}

static struct content transport_content(uint32_t offset, uint32_t size) {
    struct content c = { .size = size };

    if (offset == 0 && size == 1)
        c.field = FIELD_ICMP_TYPE;
    else if (offset == 0 && size == 2)
        c.field = FIELD_SOURCE_PORT;
    else if (offset == 2 && size == 2)
        c.field = FIELD_DESTINATION_PORT;
    return c;
}

static void read_payload(struct reading *rd, const struct expr *e) {
    struct content c = { .size = e->payload.len };

    if (e->payload.base == NFT_PAYLOAD_NETWORK_HEADER)
        c = network_content(rd, e->payload.offset, e->payload.len);
    else if (e->payload.base == NFT_PAYLOAD_TRANSPORT_HEADER)
        c = transport_content(e->payload.offset, e->payload.len);
    load(rd, e->payload.dreg, c);
}

static void read_bitwise(struct reading *rd, const struct expr *e) {
    struct content c = held(rd, e->bitwise.sreg);
    static const uint8_t zeros[sizeof(e->bitwise.xor.bytes)];

    if (c.is_masked || e->bitwise.op != NFT_BITWISE_BOOL || e->bitwise.len != c.size ||
        e->bitwise.mask.n != c.size || memcmp(e->bitwise.xor.bytes, zeros, sizeof(zeros)) != 0)
        c = (struct content){ .size = e->bitwise.len };
    c.is_masked = true;
    c.mask = e->bitwise.mask;
    load(rd, e->bitwise.dreg, c);
}

/* Ones, then zeros: the length of a prefix. */
static bool mask_is_prefix(const struct expr_data *mask) {
    bool is_over = false;

    for (uint32_t bit = 0; bit < mask->n * 8; bit++) {
        bool is_set = mask->bytes[bit / 8] & (0x80U >> bit % 8);

        if (is_set && is_over)
            return false;
        is_over |= !is_set;
    }
    return true;
}

static uint32_t host_number(const struct expr_data *d) {
    uint32_t value = 0;

    memcpy(&value, d->bytes, d->n < sizeof(value) ? d->n : sizeof(value));
    return value;
}

/* `field & mask != 0` of the state; `field & prefix == value` of an address. */
static bool masked_range(const struct content *c, const struct expr *e, struct foreign_match *m) {
    if (c->field == FIELD_CT_STATE || c->field == FIELD_CT_STATUS) {
        m->mask = host_number(&c->mask);
        m->is_negated = e->cmp.op == NFT_CMP_EQ;
        return host_number(&e->cmp.data) == 0 && m->mask != 0;
    }
    if ((c->field != FIELD_SOURCE && c->field != FIELD_DESTINATION) || !mask_is_prefix(&c->mask))
        return false;
    for (uint32_t i = 0; i < c->size; i++)
        m->range.hi.bytes[i] |= (uint8_t)~c->mask.bytes[i];
    return true;
}

/* What lies behind the bytes that are compared is free. */
static void range_fill(struct foreign_match *m, const struct content *c, uint32_t from) {
    uint32_t size = c->size;

    if (c->field == FIELD_SOURCE || c->field == FIELD_DESTINATION)
        size = (uint32_t)family_size(c->family);
    else if (c->field == FIELD_IIFNAME || c->field == FIELD_OIFNAME)
        size = 16;
    for (uint32_t i = from; i < size && i < 16; i++)
        m->range.hi.bytes[i] = 0xff;
}

static bool cmp_range(const struct content *c, const struct expr *e, struct foreign_match *m) {
    const struct expr_data *d = &e->cmp.data;
    bool has_order = c->field != FIELD_CT_STATE && c->field != FIELD_CT_STATUS &&
                     c->field != FIELD_IIF && c->field != FIELD_OIF;

    memcpy(m->range.lo.bytes, d->bytes, d->n);
    m->range.hi = m->range.lo;
    range_fill(m, c, d->n);
    m->is_negated = e->cmp.op == NFT_CMP_NEQ;
    if (e->cmp.op == NFT_CMP_EQ || e->cmp.op == NFT_CMP_NEQ)
        return !c->is_masked || masked_range(c, e, m);
    if (c->is_masked || !has_order)
        return false;
    if (e->cmp.op == NFT_CMP_GTE || e->cmp.op == NFT_CMP_LT) {
        memset(m->range.hi.bytes, 0xff, c->size);
        m->is_negated = e->cmp.op == NFT_CMP_LT;
    } else {
        m->range.lo = (struct address){ 0 };
        m->is_negated = e->cmp.op == NFT_CMP_GT;
    }
    return true;
}

static void read_cmp(struct reading *rd, const struct expr *e) {
    struct content c = held(rd, e->cmp.sreg);
    struct foreign_match m = { .field = c.field, .family = c.family };
    bool is_name = c.field == FIELD_IIFNAME || c.field == FIELD_OIFNAME;

    if (c.field == FIELD_UNREAD || (e->cmp.data.n != c.size && !is_name) || !cmp_range(&c, e, &m)) {
        add_unread(rd);
        return;
    }
    add_match(rd, m);
    if (c.field == FIELD_FAMILY && e->cmp.op == NFT_CMP_EQ)
        rd->family = e->cmp.data.bytes[0];
}

static void read_lookup(struct reading *rd, const struct expr *e) {
    struct content c = held(rd, e->lookup.sreg);
    struct foreign_set *set = foreign_set(rd->table, e->lookup.set);
    bool is_map = e->lookup.dreg_plus_1 == NFT_REG_VERDICT + 1;
    bool is_read = set && c.field != FIELD_UNREAD && !c.is_masked && set->key_size == c.size;
    struct foreign_match m = { .field = is_read ? c.field : FIELD_UNREAD,
                               .family = c.family,
                               .is_negated = e->lookup.flags & NFT_LOOKUP_F_INV,
                               .set = is_read ? set : NULL };

    if (set && is_read)
        set->is_wanted = true;
    if (e->lookup.dreg_plus_1 && !is_map) {
        load(rd, e->lookup.dreg_plus_1 - 1, (struct content){ .size = 16 });
        add_unread(rd);
        return;
    }
    if (is_map)
        rd->rule->action = is_read && set->is_map ? ACTION_MAP : ACTION_UNREAD;
    rd->is_unread |= !is_read;
    add_match(rd, m);
}

static enum foreign_action action_of(int32_t code) {
    static const struct {
        int32_t code;
        enum foreign_action action;
    } actions[] = {
        { NF_ACCEPT, ACTION_ACCEPT }, { NF_DROP, ACTION_DROP },      { NFT_JUMP, ACTION_JUMP },
        { NFT_GOTO, ACTION_GOTO },    { NFT_RETURN, ACTION_RETURN }, { NFT_CONTINUE, ACTION_NONE },
    };

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (actions[i].code == code)
            return actions[i].action;
    return (code & NF_VERDICT_MASK) == NF_QUEUE ? ACTION_QUEUE : ACTION_UNREAD;
}

int reading_verdict(const struct nlattr *data, struct arena *arena, enum foreign_action *ret,
                    const char **ret_chain) {
    struct expr_verdict v;

    *ret_chain = NULL;
    *ret = ACTION_UNREAD;
    if (!expr_verdict_parse(data, &v))
        return 0;
    *ret = action_of(v.code);
    if (!v.chain)
        return 0;
    *ret_chain = arena_strdup(arena, v.chain);
    return *ret_chain ? 0 : -ENOMEM;
}

static void read_immediate(struct reading *rd, const struct expr *e) {
    if (e->immediate.dreg != NFT_REG_VERDICT || rd->rule->action == ACTION_TPROXY)
        return; /* what follows a tproxy only says that this was it */
    rd->rule->action = action_of(e->immediate.verdict.code);
    rd->rule->chain_name = e->immediate.verdict.chain;
}

/* A rate holds now and not then. */
static void read_condition(struct reading *rd, const struct expr *e) {
    (void)e;
    add_unread(rd);
}

static void read_nothing(struct reading *rd, const struct expr *e) {
    (void)rd;
    (void)e;
}

static void read_reject(struct reading *rd, const struct expr *e) {
    (void)e;
    rd->rule->action = ACTION_REJECT;
}

static void (*const readers[])(struct reading *rd, const struct expr *e) = {
    [EXPR_BITWISE] = read_bitwise,
    [EXPR_CMP] = read_cmp,
    [EXPR_CT] = read_ct,
    [EXPR_FIB] = read_fib,
    [EXPR_IMMEDIATE] = read_immediate,
    [EXPR_LIMIT] = read_condition,
    [EXPR_LOG] = read_nothing,
    [EXPR_LOOKUP] = read_lookup,
    [EXPR_META] = read_meta,
    [EXPR_OBJREF] = read_nothing,
    [EXPR_PAYLOAD] = read_payload,
    [EXPR_REJECT] = read_reject,
};
static_assert(ARRAY_SIZE(readers) == EXPR_TYPE_MAX, "an expression has no reader");

/* Expressions that `struct expr` can't mean. */
static void name_nothing(struct reading *rd, const struct attrs *a) {
    (void)rd;
    (void)a;
}

/* They fill a register with what has no name here. */
static void name_load(struct reading *rd, const struct attrs *a) {
    (void)a;
    forget(rd);
}

static void name_meta(struct reading *rd, const struct attrs *a) {
    if (!a->by_type[NFTA_META_SREG])
        forget(rd);
}

static void name_ct(struct reading *rd, const struct attrs *a) {
    if (!a->by_type[NFTA_CT_SREG])
        forget(rd);
}

static void name_payload(struct reading *rd, const struct attrs *a) {
    if (a->by_type[NFTA_PAYLOAD_SREG])
        rd->rule->effects |= EFFECT_REWRITE;
    else
        forget(rd);
}

static void name_nat(struct reading *rd, const struct attrs *a) {
    uint32_t type = attr_u32_or(a->by_type[NFTA_NAT_TYPE], NFT_NAT_DNAT);

    rd->rule->action = type == NFT_NAT_SNAT ? ACTION_SNAT : ACTION_DNAT;
}

static void name_redirect(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->action = ACTION_REDIRECT;
}

static void name_masquerade(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->action = ACTION_MASQUERADE;
}

static void name_tproxy(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->action = ACTION_TPROXY;
}

static void name_queue(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->action = ACTION_QUEUE;
}

static void name_reject(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->action = ACTION_REJECT;
}

static void name_notrack(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->effects |= EFFECT_NOTRACK;
}

static void name_offload(struct reading *rd, const struct attrs *a) {
    (void)a;
    rd->rule->effects |= EFFECT_OFFLOAD;
}

static void name_match(struct reading *rd, const struct attrs *a) {
    struct foreign_match matches[XTABLES_MATCHES_MAX];
    size_t n = xtables_match(a, matches);

    if (n == 0)
        add_unread(rd);
    for (size_t i = 0; i < n; i++)
        add_match(rd, matches[i]);
}

static void name_target(struct reading *rd, const struct attrs *a) {
    enum foreign_action action = xtables_target(a, &rd->rule->effects);

    rd->is_unread |= action == ACTION_UNREAD;
    if (action != ACTION_NONE)
        rd->rule->action = action;
}

static const struct {
    const char *name;
    void (*read)(struct reading *rd, const struct attrs *a);
} names[] = {
    { "counter", name_nothing }, { "last", name_nothing },    { "log", name_nothing },
    { "objref", name_nothing },  { "immediate", name_load },  { "bitwise", name_load },
    { "byteorder", name_load },  { "exthdr", name_load },     { "fib", name_load },
    { "hash", name_load },       { "numgen", name_load },     { "rt", name_load },
    { "socket", name_load },     { "meta", name_meta },       { "ct", name_ct },
    { "payload", name_payload }, { "nat", name_nat },         { "redir", name_redirect },
    { "masq", name_masquerade }, { "tproxy", name_tproxy },   { "queue", name_queue },
    { "reject", name_reject },   { "notrack", name_notrack }, { "flow_offload", name_offload },
    { "match", name_match },     { "target", name_target },
};

static void read_by_name(struct reading *rd, const char *name, const struct nlattr *element) {
    struct attrs outer, inner;

    if (attrs_of_nest(element, &outer))
        attrs_of_nest(outer.by_type[NFTA_EXPR_DATA], &inner);
    else
        inner = (struct attrs){ 0 };
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i].name, name) == 0) {
            names[i].read(rd, &inner);
            return;
        }
    forget(rd);
    add_unread(rd);
}

static int read_list(struct reading *rd, const struct nlattr *list) {
    const struct nlattr *element;
    const char *name;
    struct expr e;
    int r;

    mnl_attr_for_each_nested(element, list) {
        r = expr_parse(element, rd->arena, &e, &name);
        if (r < 0)
            return r;
        if (r == 0)
            readers[e.type](rd, &e);
        else
            read_by_name(rd, name, element);
    }
    return rd->error;
}

int reading_rule(const struct attrs *a, const struct foreign_table *table, struct arena *arena,
                 struct foreign_rule *ret, bool *ret_unread) {
    const struct nlattr *list = a->by_type[NFTA_RULE_EXPRESSIONS];
    struct reading rd = { .table = table, .arena = arena, .rule = ret, .family = -1 };
    int r = 0;

    *ret = (struct foreign_rule){ .handle = attr_u64_or(a->by_type[NFTA_RULE_HANDLE], 0) };
    if (list && !attr_list_is_whole(list))
        return -EBADMSG;
    if (table->family == FOREIGN_IP || table->family == FOREIGN_IP6)
        rd.family = table->family == FOREIGN_IP ? NFPROTO_IPV4 : NFPROTO_IPV6;
    if (list)
        r = read_list(&rd, list);
    if (r < 0)
        return r;
    *ret_unread = rd.is_unread;
    return 0;
}
