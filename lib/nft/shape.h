/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_SHAPE_H
#define PORTD_NFT_SHAPE_H

#include "engine/ruleset.h"
#include "nft/expr.h"

/* Which expressions a statement is, and back. The expressions are those that nft 1.0.6 makes of
 * the statement's text, so that `nft list` prints that text and loads it as the same rule. */

#define SHAPE_MAX 8 /* expressions of one statement */

struct shape {
    struct expr items[SHAPE_MAX];
    size_t n;
};

/* What earlier statements of the rule have made sure of, which nft doesn't test twice:
 * NFPROTO_* and IPPROTO_*, -1 for not yet. */
struct shape_known {
    int family, protocol;
};

#define SHAPE_KNOWN_NOTHING ((struct shape_known){ .family = -1, .protocol = -1 })

/* False: the statement can't be said in nftables (a backward port range, a burst of nothing, an
 * ICMP type of TCP, a goto to nowhere …). Texts are borrowed from the statement. */
bool shape_lower(const struct stmt *s, struct shape_known *known, struct shape *ret);

/* The statement that begins at exprs[0]. Returns how many expressions it is; 0: no statement is
 * like this. Whatever is returned lowers to exactly these expressions. Texts are borrowed. */
size_t shape_lift(const struct expr *exprs, size_t n, struct shape_known *known, struct stmt *ret);

/* Verdicts of rules and of map elements. False: a goto to nowhere; a verdict of another kind. */
bool shape_verdict_lower(enum verdict v, const char *chain, struct expr_verdict *ret);
bool shape_verdict_lift(const struct expr_verdict *v, enum verdict *ret, const char **ret_chain);

#endif
