/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nft/shape_parts.h"

static void put_ct(struct shape *out, uint32_t key) {
    put(out, (struct expr){ .type = EXPR_CT, .ct = { .key = key, .dreg = REGISTER_KEY } });
}

/* The destination port as whoever began asked for it. */
static void put_original_port(struct shape *out) {
    put(out, (struct expr){ .type = EXPR_CT,
                            .ct = { .key = NFT_CT_PROTO_DST,
                                    .dreg = REGISTER_KEY,
                                    .direction_plus_1 = CT_ORIGINAL + 1 } });
}

static bool lower_ct_bits(struct shape *out, uint32_t key, uint32_t mask) {
    put_ct(out, key);
    put_mask(out, data_u32(mask));
    put_cmp(out, NFT_CMP_NEQ, data_u32(0));
    return true;
}

bool shape_ct_state_lower(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    return lower_ct_bits(out, NFT_CT_STATE, s->ct_state);
}

bool shape_ct_state_guess(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_BITWISE))
        return false;
    s->ct_state = u32_of(&c->items[1].bitwise.mask);
    return true;
}

bool shape_ct_direction_lower(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put_ct(out, NFT_CT_DIRECTION);
    put_cmp(out, NFT_CMP_EQ, data_u8((uint8_t)s->ct_direction));
    return s->ct_direction == CT_ORIGINAL || s->ct_direction == CT_REPLY;
}

bool shape_ct_direction_guess(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    s->ct_direction = c->items[1].cmp.data.bytes[0] ? CT_REPLY : CT_ORIGINAL;
    return true;
}

bool shape_ct_status_lower(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    return lower_ct_bits(out, NFT_CT_STATUS, s->ct_status);
}

bool shape_ct_status_guess(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_BITWISE))
        return false;
    s->ct_status = u32_of(&c->items[1].bitwise.mask);
    return true;
}

bool shape_ct_port_lower(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put_original_port(out);
    put_port_range(out, s->ct_port.lo, s->ct_port.hi);
    return s->ct_port.lo <= s->ct_port.hi;
}

bool shape_ct_port_guess(struct cursor *c, struct stmt *s) {
    return guess_port_range(c, &s->ct_port.lo, &s->ct_port.hi);
}

bool shape_ct_vmap_lower(const struct stmt *s, struct shape_known *known, struct shape *out) {
    (void)known;
    put_original_port(out);
    put(out, (struct expr){ .type = EXPR_LOOKUP,
                            .lookup = { .set = s->ct_vmap,
                                        .sreg = REGISTER_KEY,
                                        .dreg_plus_1 = NFT_REG_VERDICT + 1 } });
    return name_fits(s->ct_vmap);
}

bool shape_ct_vmap_guess(struct cursor *c, struct stmt *s) {
    if (!cursor_is(c, 1, EXPR_LOOKUP))
        return false;
    s->ct_vmap = c->items[1].lookup.set;
    return true;
}
