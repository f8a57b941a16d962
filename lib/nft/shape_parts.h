/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_SHAPE_PARTS_H
#define PORTD_NFT_SHAPE_PARTS_H

#include "nft/shape.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <string.h>

/* What shapes are made of, for shape.c and shape_ct.c alone. */

/* The first register of 16 bytes, and the second of those of 4 bytes that lie over it: where a
 * concatenated key has its second field, and its third. */
#define REGISTER_KEY    NFT_REG_1
#define REGISTER_SECOND NFT_REG32_01
#define REGISTER_THIRD  NFT_REG32_02

#define TCP_FLAGS_OFFSET 13 /* RFC 9293 section 3.1 */

struct cursor {
    const struct expr *items;
    size_t n;
    const struct shape_known *known;
};

static inline bool name_fits(const char *name) {
    return name && name[0] != '\0' && strlen(name) < NFT_NAME_MAXLEN;
}

static inline struct expr_data data_of(const void *bytes, size_t n) {
    struct expr_data d = { .n = (uint32_t)n };

    memcpy(d.bytes, bytes, n);
    return d;
}

static inline struct expr_data data_u8(uint8_t value) {
    return data_of(&value, sizeof(value));
}

static inline struct expr_data data_u16(uint16_t value) {
    uint16_t wire = htons(value);

    return data_of(&wire, sizeof(wire));
}

/* Numbers that the kernel loads in host order. */
static inline struct expr_data data_u32(uint32_t value) {
    return data_of(&value, sizeof(value));
}

static inline uint16_t u16_of(const struct expr_data *d) {
    uint16_t wire;

    memcpy(&wire, d->bytes, sizeof(wire));
    return ntohs(wire);
}

static inline uint32_t u32_of(const struct expr_data *d) {
    uint32_t value;

    memcpy(&value, d->bytes, sizeof(value));
    return value;
}

static inline void put(struct shape *out, struct expr e) {
    assert(out->n < SHAPE_MAX);
    out->items[out->n++] = e;
}

static inline void put_meta(struct shape *out, uint32_t key) {
    put(out, (struct expr){ .type = EXPR_META, .meta = { .key = key, .dreg = REGISTER_KEY } });
}

static inline void put_cmp(struct shape *out, uint32_t op, struct expr_data data) {
    put(out,
        (struct expr){ .type = EXPR_CMP, .cmp = { .sreg = REGISTER_KEY, .op = op, .data = data } });
}

static inline void put_payload(struct shape *out, uint32_t base, uint32_t offset, uint32_t len,
                               uint32_t dreg) {
    put(out,
        (struct expr){ .type = EXPR_PAYLOAD,
                       .payload = { .dreg = dreg, .base = base, .offset = offset, .len = len } });
}

/* "and" with a mask, which is a bitwise with nothing to flip afterwards. */
static inline void put_mask(struct shape *out, struct expr_data mask) {
    put(out, (struct expr){ .type = EXPR_BITWISE,
                            .bitwise = { .sreg = REGISTER_KEY,
                                         .dreg = REGISTER_KEY,
                                         .len = mask.n,
                                         .mask = mask,
                                         .xor = { .n = mask.n } } });
}

static inline bool cursor_is(const struct cursor *c, size_t i, enum expr_type type) {
    return i < c->n && c->items[i].type == type;
}

static inline void put_port_range(struct shape *out, uint16_t lo, uint16_t hi) {
    if (lo == hi) {
        put_cmp(out, NFT_CMP_EQ, data_u16(lo));
        return;
    }
    put_cmp(out, NFT_CMP_GTE, data_u16(lo));
    put_cmp(out, NFT_CMP_LTE, data_u16(hi));
}

/* Of the comparisons behind the load that the cursor is at. */
static inline bool guess_port_range(const struct cursor *c, uint16_t *ret_lo, uint16_t *ret_hi) {
    if (!cursor_is(c, 1, EXPR_CMP))
        return false;
    *ret_lo = *ret_hi = u16_of(&c->items[1].cmp.data);
    if (c->items[1].cmp.op == NFT_CMP_GTE && cursor_is(c, 2, EXPR_CMP))
        *ret_hi = u16_of(&c->items[2].cmp.data);
    return true;
}

/* The statements that ask connection tracking: twins as in the table of shape.c. */
bool shape_ct_state_lower(const struct stmt *s, struct shape_known *known, struct shape *out);
bool shape_ct_state_guess(struct cursor *c, struct stmt *s);
bool shape_ct_direction_lower(const struct stmt *s, struct shape_known *known, struct shape *out);
bool shape_ct_direction_guess(struct cursor *c, struct stmt *s);
bool shape_ct_status_lower(const struct stmt *s, struct shape_known *known, struct shape *out);
bool shape_ct_status_guess(struct cursor *c, struct stmt *s);
bool shape_ct_port_lower(const struct stmt *s, struct shape_known *known, struct shape *out);
bool shape_ct_port_guess(struct cursor *c, struct stmt *s);
bool shape_ct_vmap_lower(const struct stmt *s, struct shape_known *known, struct shape *out);
bool shape_ct_vmap_guess(struct cursor *c, struct stmt *s);

#endif
