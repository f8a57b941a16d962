/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_EXPR_H
#define PORTD_NFT_EXPR_H

#include "base/arena.h"
#include "nft/attr.h"

#include <libnftnl/expr.h>

/* Netfilter's expressions, those that statements are made of, as values. Registers, keys and
 * operators are the numbers of linux/netfilter/nf_tables.h. */
enum expr_type {
    EXPR_BITWISE,
    EXPR_CMP,
    EXPR_CT,
    EXPR_FIB,
    EXPR_IMMEDIATE,
    EXPR_LIMIT,
    EXPR_LOG,
    EXPR_LOOKUP,
    EXPR_META,
    EXPR_OBJREF,
    EXPR_PAYLOAD,
    EXPR_REJECT,
    EXPR_TYPE_MAX,
};

/* The content of a register: as it stands in the packet, or in host order where the kernel
 * loads a number (interface, ct state, address type). */
struct expr_data {
    uint8_t bytes[16];
    uint32_t n;
};

struct expr_verdict {
    int32_t code;      /* NF_ACCEPT, NF_DROP, NFT_GOTO, … */
    const char *chain; /* goto and jump */
};

struct expr {
    enum expr_type type;
    union {
        struct {
            uint32_t sreg, dreg, len, op;
            struct expr_data mask, xor;
        } bitwise;
        struct {
            uint32_t sreg, op;
            struct expr_data data;
        } cmp;
        struct {
            uint32_t key, dreg;
            uint32_t direction_plus_1; /* 0: none; original is number 0 */
        } ct;
        struct {
            uint32_t dreg, result, flags;
        } fib;
        struct {
            uint32_t dreg;
            struct expr_verdict verdict;
        } immediate;
        struct {
            uint64_t rate, unit;
            uint32_t burst, type, flags;
        } limit;
        struct {
            uint32_t group, snaplen, threshold;
        } log;
        struct {
            const char *set;
            uint32_t sreg, flags;
            uint32_t dreg_plus_1; /* 0: a set, no map; the verdict register is number 0 */
        } lookup;
        struct {
            uint32_t key, dreg;
        } meta;
        struct {
            uint32_t type;
            const char *name;
        } objref;
        struct {
            uint32_t dreg, base, offset, len;
        } payload;
        struct {
            uint32_t type, code;
        } reject;
    };
};

/* Twins over one table of fields. expr_build(): NULL without memory. */
struct nftnl_expr *expr_build(const struct expr *e);

enum { EXPR_E_FOREIGN = 1 };
/* An NFTA_LIST_ELEM of NFTA_RULE_EXPRESSIONS. EXPR_E_FOREIGN: another expression, or one of
 * these with something that `struct expr` can't mean. *ret_name, always set, points into the
 * message. Texts of *ret live in the arena. */
int expr_parse(const struct nlattr *element, struct arena *arena, struct expr *ret,
               const char **ret_name);

/* NFTA_DATA_VERDICT of rules and of map elements; false: not a verdict. The chain points into
 * the message. */
bool expr_verdict_parse(const struct nlattr *data, struct expr_verdict *ret);

bool expr_equal(const struct expr *a, const struct expr *b);

#endif
