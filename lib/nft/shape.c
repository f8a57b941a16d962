/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lowering is the only place that knows a shape. Lifting merely guesses a statement's values
 * from where they would stand, lowers the guess and compares: so the round trip holds by
 * construction, and nothing is taken for a statement that it isn't exactly. */
#include "nft/shape_parts.h"

#include <linux/netfilter.h>

static void need_family(struct shape *out, struct shape_known *known, int nfproto) {
    if (known->family == nfproto)
        return;
    put_meta(out, NFT_META_NFPROTO);
    put_cmp(out, NFT_CMP_EQ, data_u8((uint8_t)nfproto));
    known->family = nfproto;
}

static void need_protocol(struct shape *out, struct shape_known *known, uint8_t protocol) {
    if (known->protocol == protocol)
        return;
    put_meta(out, NFT_META_L4PROTO);
    put_cmp(out, NFT_CMP_EQ, data_u8(protocol));
    known->protocol = protocol;
}

/* What a dependency test at the cursor says, else what is known already. The cursor moves on. */
static int guess_dependency(struct cursor *c, uint32_t key, int known) {
    if (c->n < 2 || c->items[0].type != EXPR_META || c->items[0].meta.key != key ||
        c->items[1].type != EXPR_CMP)
        return known;
    known = c->items[1].cmp.data.bytes[0];
    c->items += 2;
    c->n -= 2;
    return known;
}

static uint32_t meta_key(enum stmt_type type) {
    return type == STMT_IIF ? NFT_META_IIF : NFT_META_OIF;
}

static bool lower_interface(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put_meta(out, meta_key(s->type));
    put_cmp(out, NFT_CMP_EQ, data_u32(s->ifindex));
    return true;
}

static bool guess_interface(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    s->ifindex = u32_of(&c->items[1].cmp.data);
    return true;
}

/* A statement of its own, not a dependency: it is there even if it says nothing new, and what
 * follows it tests again, so that the two can be told apart when they are read back. */
static bool lower_l4proto(const struct stmt *s, struct shape_known *known, struct shape *out) {
    known->protocol = -1;
    put_meta(out, NFT_META_L4PROTO);
    put_cmp(out, NFT_CMP_EQ, data_u8(s->protocol));
    return true;
}

static bool guess_l4proto(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    s->protocol = c->items[1].cmp.data.bytes[0];
    return true;
}

static bool lower_icmp_type(const struct stmt *s, struct shape_known *known, struct shape *out) {
    if (s->icmp.protocol != PROTOCOL_ICMP && s->icmp.protocol != PROTOCOL_ICMPV6)
        return false;
    need_family(out, known, s->icmp.protocol == PROTOCOL_ICMP ? NFPROTO_IPV4 : NFPROTO_IPV6);
    need_protocol(out, known, s->icmp.protocol);
    put_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, 0, 1, REGISTER_KEY);
    put_cmp(out, NFT_CMP_EQ, data_u8(s->icmp.type));
    return true;
}

static bool guess_icmp_type(struct cursor *c, struct stmt *s) {
    guess_dependency(c, NFT_META_NFPROTO, c->known->family);
    s->icmp.protocol = (uint8_t)guess_dependency(c, NFT_META_L4PROTO, c->known->protocol);
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    s->icmp.type = c->items[1].cmp.data.bytes[0];
    return true;
}

/* Source and destination port: the first and the second two bytes of TCP, UDP, SCTP. */
static uint32_t port_offset(enum side side) {
    return side == SIDE_SOURCE ? 0 : 2;
}

static enum side port_side(const struct expr *payload) {
    return payload->payload.offset == 0 ? SIDE_SOURCE : SIDE_DESTINATION;
}

static bool lower_port(const struct stmt *s, struct shape_known *known, struct shape *out) {
    if (s->port.lo > s->port.hi)
        return false;
    need_protocol(out, known, s->port.protocol);
    put_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, port_offset(s->port.side), 2, REGISTER_KEY);
    put_port_range(out, s->port.lo, s->port.hi);
    return true;
}

static bool guess_port(struct cursor *c, struct stmt *s) {
    s->port.protocol = (uint8_t)guess_dependency(c, NFT_META_L4PROTO, c->known->protocol);
    if (!cursor_is(c, 0, EXPR_PAYLOAD))
        return false;
    s->port.side = port_side(&c->items[0]);
    return guess_port_range(c, &s->port.lo, &s->port.hi);
}

/* Where the addresses stand: RFC 791 section 3.1, RFC 8200 section 3. */
static const struct {
    int nfproto;
    uint32_t offset[2]; /* by enum side */
    uint32_t size;
} headers[] = {
    [FAMILY_IPV4] = { NFPROTO_IPV4, { 12, 16 }, 4 },
    [FAMILY_IPV6] = { NFPROTO_IPV6, { 8, 24 }, 16 },
};
static_assert(ARRAY_SIZE(headers) == FAMILY_MAX, "a family has no header");

static enum side address_side(const struct expr *payload, enum family f) {
    return payload->payload.offset == headers[f].offset[SIDE_SOURCE] ? SIDE_SOURCE
                                                                     : SIDE_DESTINATION;
}

static bool lower_address(const struct stmt *s, struct shape_known *known, struct shape *out) {
    enum family f = s->address.family;

    if (!name_fits(s->address.set))
        return false;
    need_family(out, known, headers[f].nfproto);
    put_payload(out, NFT_PAYLOAD_NETWORK_HEADER, headers[f].offset[s->address.side],
                headers[f].size, REGISTER_KEY);
    put(out, (struct expr){ .type = EXPR_LOOKUP,
                            .lookup = { .set = s->address.set, .sreg = REGISTER_KEY } });
    return true;
}

static bool guess_address(struct cursor *c, struct stmt *s) {
    int nfproto = guess_dependency(c, NFT_META_NFPROTO, c->known->family);
    enum family f = nfproto == NFPROTO_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;

    if (!cursor_is(c, 0, EXPR_PAYLOAD) || !cursor_is(c, 1, EXPR_LOOKUP))
        return false;
    s->address.family = f;
    s->address.side = address_side(&c->items[0], f);
    s->address.set = c->items[1].lookup.set;
    return true;
}

static bool lower_fib_type(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put(out, (struct expr){ .type = EXPR_FIB,
                            .fib = { .dreg = REGISTER_KEY,
                                     .result = NFT_FIB_RESULT_ADDRTYPE,
                                     .flags = NFTA_FIB_F_DADDR } });
    put_cmp(out, NFT_CMP_EQ, data_u32(s->fib_type));
    return true;
}

static bool guess_fib_type(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    s->fib_type = u32_of(&c->items[1].cmp.data);
    return true;
}

static bool lower_tcp_flags(const struct stmt *s, struct shape_known *known, struct shape *out) {
    need_protocol(out, known, PROTOCOL_TCP);
    put_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, TCP_FLAGS_OFFSET, 1, REGISTER_KEY);
    put_mask(out, data_u8(s->tcp_flags.mask));
    put_cmp(out, NFT_CMP_EQ, data_u8(s->tcp_flags.value));
    return true;
}

static bool guess_tcp_flags(struct cursor *c, struct stmt *s) {
    guess_dependency(c, NFT_META_L4PROTO, c->known->protocol);
    if (!cursor_is(c, 1, EXPR_BITWISE) || !cursor_is(c, 2, EXPR_CMP))
        return false;
    s->tcp_flags.mask = c->items[1].bitwise.mask.bytes[0];
    s->tcp_flags.value = c->items[2].cmp.data.bytes[0];
    return true;
}

static bool lower_vmap(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put_meta(out, NFT_META_L4PROTO);
    put_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, port_offset(s->vmap.side), 2, REGISTER_SECOND);
    put(out, (struct expr){ .type = EXPR_LOOKUP,
                            .lookup = { .set = s->vmap.map,
                                        .sreg = REGISTER_KEY,
                                        .dreg_plus_1 = NFT_REG_VERDICT + 1 } });
    return name_fits(s->vmap.map);
}

static bool guess_vmap(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_PAYLOAD) || !cursor_is(c, 2, EXPR_LOOKUP))
        return false;
    s->vmap.side = port_side(&c->items[1]);
    s->vmap.map = c->items[2].lookup.set;
    return true;
}

static bool lower_granted(const struct stmt *s, struct shape_known *known, struct shape *out) {
    enum family f = s->granted.family;

    need_family(out, known, headers[f].nfproto);
    put_meta(out, NFT_META_L4PROTO);
    put_payload(out, NFT_PAYLOAD_TRANSPORT_HEADER, port_offset(s->granted.port), 2,
                REGISTER_SECOND);
    put_payload(out, NFT_PAYLOAD_NETWORK_HEADER, headers[f].offset[s->granted.address],
                headers[f].size, REGISTER_THIRD);
    put(out, (struct expr){ .type = EXPR_LOOKUP,
                            .lookup = { .set = s->granted.set, .sreg = REGISTER_KEY } });
    return name_fits(s->granted.set);
}

static bool guess_granted(struct cursor *c, struct stmt *s) {
    int nfproto = guess_dependency(c, NFT_META_NFPROTO, c->known->family);
    enum family f = nfproto == NFPROTO_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;

    if (!cursor_is(c, 1, EXPR_PAYLOAD) || !cursor_is(c, 2, EXPR_PAYLOAD) ||
        !cursor_is(c, 3, EXPR_LOOKUP))
        return false;
    s->granted.family = f;
    s->granted.port = port_side(&c->items[1]);
    s->granted.address = address_side(&c->items[2], f);
    s->granted.set = c->items[3].lookup.set;
    return true;
}

static bool lower_counter(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put(out, (struct expr){ .type = EXPR_OBJREF,
                            .objref = { .type = NFT_OBJECT_COUNTER, .name = s->counter } });
    return name_fits(s->counter);
}

static bool guess_counter(struct cursor *c, struct stmt *s) {
    s->counter = c->items[0].objref.name;
    return true;
}

static bool lower_limit(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put(out, (struct expr){ .type = EXPR_LIMIT,
                            .limit = { .rate = s->limit.rate,
                                       .unit = 1, /* second */
                                       .burst = s->limit.burst,
                                       .type = NFT_LIMIT_PKTS } });
    return s->limit.rate > 0 && s->limit.burst > 0; /* the kernel makes 5 of a burst of 0 */
}

static bool guess_limit(struct cursor *c, struct stmt *s) {
    s->limit.rate = c->items[0].limit.rate;
    s->limit.burst = c->items[0].limit.burst;
    return true;
}

static bool lower_log(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put(out, (struct expr){ .type = EXPR_LOG,
                            .log = { .group = s->log.group,
                                     .snaplen = s->log.snaplen,
                                     .threshold = s->log.threshold } });
    return true;
}

static bool guess_log(struct cursor *c, struct stmt *s) {
    s->log.group = (uint16_t)c->items[0].log.group;
    s->log.snaplen = c->items[0].log.snaplen;
    s->log.threshold = (uint16_t)c->items[0].log.threshold;
    return true;
}

static const struct {
    uint32_t type, code;
} rejects[] = {
    [REJECT_TCP_RESET] = { NFT_REJECT_TCP_RST, 0 },
    [REJECT_ADMIN_PROHIBITED] = { NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED },
};
static_assert(ARRAY_SIZE(rejects) == REJECT_MAX, "a reject has no code");

static bool lower_reject(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put(out, (struct expr){
                 .type = EXPR_REJECT,
                 .reject = { .type = rejects[s->reject].type, .code = rejects[s->reject].code } });
    return true;
}

static bool guess_reject(struct cursor *c, struct stmt *s) {
    s->reject =
        c->items[0].reject.type == NFT_REJECT_TCP_RST ? REJECT_TCP_RESET : REJECT_ADMIN_PROHIBITED;
    return true;
}

static const struct {
    int32_t code;
    bool has_chain;
} verdicts[] = {
    [VERDICT_ACCEPT] = { NF_ACCEPT, false },  [VERDICT_DROP] = { NF_DROP, false },
    [VERDICT_GOTO] = { NFT_GOTO, true },      [VERDICT_JUMP] = { NFT_JUMP, true },
    [VERDICT_RETURN] = { NFT_RETURN, false },
};
static_assert(ARRAY_SIZE(verdicts) == VERDICT_MAX, "a verdict has no code");

bool shape_verdict_lower(enum verdict v, const char *chain, struct expr_verdict *ret) {
    *ret = (struct expr_verdict){ .code = verdicts[v].code,
                                  .chain = verdicts[v].has_chain ? chain : NULL };
    return !verdicts[v].has_chain || name_fits(chain);
}

bool shape_verdict_lift(const struct expr_verdict *v, enum verdict *ret, const char **ret_chain) {
    for (unsigned i = 0; i < VERDICT_MAX; i++)
        if (verdicts[i].code == v->code) {
            *ret = (enum verdict)i;
            *ret_chain = v->chain;
            return verdicts[i].has_chain ? name_fits(v->chain) : !v->chain;
        }
    return false;
}

static bool lower_verdict(const struct stmt *s, struct shape_known *known, struct shape *out) {
    struct expr e = { .type = EXPR_IMMEDIATE, .immediate.dreg = NFT_REG_VERDICT };

    (void)known;
    if (!shape_verdict_lower(s->verdict.verdict, s->verdict.chain, &e.immediate.verdict))
        return false;
    put(out, e);
    return true;
}

static bool guess_verdict(struct cursor *c, struct stmt *s) {
    return shape_verdict_lift(&c->items[0].immediate.verdict, &s->verdict.verdict,
                              &s->verdict.chain);
}

static const struct {
    bool (*lower)(const struct stmt *s, struct shape_known *known, struct shape *out);
    bool (*guess)(struct cursor *c, struct stmt *s);
    enum expr_type first;
    bool depends; /* a test of family or protocol may stand before the first expression */
} shapes[] = {
    [STMT_IIF] = { lower_interface, guess_interface, EXPR_META, false },
    [STMT_OIF] = { lower_interface, guess_interface, EXPR_META, false },
    [STMT_CT_STATE] = { shape_ct_state_lower, shape_ct_state_guess, EXPR_CT, false },
    [STMT_CT_DIRECTION] = { shape_ct_direction_lower, shape_ct_direction_guess, EXPR_CT, false },
    [STMT_CT_STATUS] = { shape_ct_status_lower, shape_ct_status_guess, EXPR_CT, false },
    [STMT_CT_PORT] = { shape_ct_port_lower, shape_ct_port_guess, EXPR_CT, false },
    [STMT_CT_VMAP] = { shape_ct_vmap_lower, shape_ct_vmap_guess, EXPR_CT, false },
    [STMT_L4PROTO] = { lower_l4proto, guess_l4proto, EXPR_META, false },
    [STMT_ICMP_TYPE] = { lower_icmp_type, guess_icmp_type, EXPR_PAYLOAD, true },
    [STMT_PORT] = { lower_port, guess_port, EXPR_PAYLOAD, true },
    [STMT_ADDRESS] = { lower_address, guess_address, EXPR_PAYLOAD, true },
    [STMT_FIB_TYPE] = { lower_fib_type, guess_fib_type, EXPR_FIB, false },
    [STMT_TCP_FLAGS] = { lower_tcp_flags, guess_tcp_flags, EXPR_PAYLOAD, true },
    [STMT_VMAP] = { lower_vmap, guess_vmap, EXPR_META, false },
    [STMT_GRANTED] = { lower_granted, guess_granted, EXPR_META, false },
    [STMT_COUNTER] = { lower_counter, guess_counter, EXPR_OBJREF, false },
    [STMT_LIMIT] = { lower_limit, guess_limit, EXPR_LIMIT, false },
    [STMT_LOG] = { lower_log, guess_log, EXPR_LOG, false },
    [STMT_REJECT] = { lower_reject, guess_reject, EXPR_REJECT, false },
    [STMT_VERDICT] = { lower_verdict, guess_verdict, EXPR_IMMEDIATE, false },
};
static_assert(ARRAY_SIZE(shapes) == STMT_TYPE_MAX, "a statement has no shape");

bool shape_lower(const struct stmt *s, struct shape_known *known, struct shape *ret) {
    *ret = (struct shape){ 0 };
    return shapes[s->type].lower(s, known, ret);
}

static size_t lift_as(enum stmt_type type, const struct expr *exprs, size_t n,
                      struct shape_known *known, struct stmt *ret) {
    struct cursor c = { .items = exprs, .n = n, .known = known };
    struct shape_known after = *known;
    struct shape lowered;

    *ret = (struct stmt){ .type = type };
    if (exprs[0].type != shapes[type].first &&
        !(shapes[type].depends && exprs[0].type == EXPR_META))
        return 0;
    if (!shapes[type].guess(&c, ret) || !shape_lower(ret, &after, &lowered) || lowered.n > n)
        return 0;
    for (size_t i = 0; i < lowered.n; i++)
        if (!expr_equal(&lowered.items[i], &exprs[i]))
            return 0;
    *known = after;
    return lowered.n;
}

/* The longest match: `meta l4proto` alone is how a port begins, too. */
size_t shape_lift(const struct expr *exprs, size_t n, struct shape_known *known, struct stmt *ret) {
    struct shape_known best_known = *known;
    size_t best = 0;

    for (unsigned type = 0; n > 0 && type < STMT_TYPE_MAX; type++) {
        struct shape_known after = *known;
        struct stmt s;
        size_t length = lift_as((enum stmt_type)type, exprs, n, &after, &s);

        if (length <= best)
            continue;
        best = length;
        best_known = after;
        *ret = s;
    }
    *known = best_known;
    return best;
}
