/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PLAN_H
#define PORTD_ENGINE_PLAN_H

#include "engine/ruleset.h"

/* The difference HAVE -> WANT, in an order that the kernel takes in one transaction: whatever
 * refers goes before what it refers to when deleting, and after it when adding.
 *
 * But a table comes and goes in two. While a transaction takes effect, packets meet the new rules
 * before the new elements, and elements go before the hooks that look for them: what is allowed
 * would be dropped for a moment. So the hooks come after all else and go before it. */
enum plan_op_type {
    PLAN_TABLE_DELETE,
    PLAN_TABLE_ADD,
    PLAN_TABLE_CLAIM, /* an orphan becomes ours: first of all */
    PLAN_TABLE_FLAGS, /* wake a dormant table */
    PLAN_CHAIN_FLUSH, /* all rules of .chain (of HAVE) */
    PLAN_RULE_DELETE, /* .rule (of HAVE) from .chain */
    PLAN_ELEMENTS_DELETE,
    PLAN_SET_DELETE,
    PLAN_CHAIN_DELETE,
    PLAN_COUNTER_DELETE,
    PLAN_CHAIN_ADD,
    PLAN_CHAIN_POLICY, /* .chain (of WANT) has another policy in the kernel */
    PLAN_COUNTER_ADD,
    PLAN_SET_ADD, /* without its elements */
    PLAN_ELEMENTS_ADD,
    PLAN_RULE_ADD,
    PLAN_OP_MAX,
};

/* Where a rule goes: behind the last rule of the chain, or beside the rule with a handle. */
enum plan_where { PLAN_APPEND, PLAN_AFTER, PLAN_BEFORE };

struct plan_op {
    enum plan_op_type type;
    const struct chain *chain;
    const struct rule *rule;
    const struct set *set;
    const struct counter *counter;
    const struct element **elements;
    size_t n_elements;
    enum plan_where where;
    uint64_t position; /* handle for PLAN_AFTER and PLAN_BEFORE */
};

/* Borrows from both rulesets: free it first. */
struct plan {
    struct arena *arena;
    struct plan_op *ops;
    size_t n_ops;
    size_t n_first; /* so many of .ops are a transaction of their own, before the others */
    uint32_t flags; /* of WANT: for TABLE_ADD, TABLE_CLAIM and TABLE_FLAGS */
};

/* Whether the kernel can't take a table that has these flags to those of WANT: it has to be deleted
 * and made anew, and drops what it allows for a moment. */
bool table_must_be_remade(const struct ruleset *want, uint32_t have_flags);
/* Both must be indexed. */
int ruleset_diff(const struct ruleset *want, const struct ruleset *have, struct plan **ret);
/* Of the seal alone: the claim of an orphan, with the flags of WANT. */
int plan_claim(const struct ruleset *want, struct plan **ret);
bool plan_is_empty(const struct plan *p);
/* Whether all rules that it deletes or goes by were read from the kernel: those have a handle. */
bool plan_has_handles(const struct plan *p);
struct plan *plan_free(struct plan *p);
DEFINE_CLEANUP(struct plan *, plan_free);

/* The rule comment, set or chain that an operation is about: for messages. NULL: the table. */
const char *plan_op_subject(const struct plan_op *op);

#endif
