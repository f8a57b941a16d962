/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/build.h"

#include <errno.h>

/* Above every other chain of the hook but INT32_MAX itself, so that no nat, mangle or tproxy rule
 * rewrites a port behind our back (linux/netfilter_ipv4.h: priorities ascend). */
#define PRIORITY_LAST 2147483646

static const char *copy(struct build *b, const char *text) {
    const char *copied = text ? arena_strdup(b->ruleset->arena, text) : NULL;

    if (text && !copied)
        b->error = -ENOMEM;
    return copied;
}

#define BUILD_APPEND(b, array, n)                                                                  \
    ({                                                                                             \
        __typeof__(array) _slot = NULL;                                                            \
        if ((b)->error == 0) {                                                                     \
            _slot = ARENA_APPEND((b)->ruleset->arena, array, n);                                   \
            if (!_slot)                                                                            \
                (b)->error = -ENOMEM;                                                              \
        }                                                                                          \
        _slot;                                                                                     \
    })

void build_base_chain(struct build *b, const char *name, uint32_t hook, enum chain_policy policy) {
    struct chain *c = BUILD_APPEND(b, b->ruleset->chains, b->ruleset->n_chains);

    if (c)
        *c = (struct chain){ .name = copy(b, name),
                             .is_base = true,
                             .hook = hook,
                             .priority = PRIORITY_LAST,
                             .policy = policy };
}

void build_chain(struct build *b, const char *name) {
    struct chain *c = BUILD_APPEND(b, b->ruleset->chains, b->ruleset->n_chains);

    if (c)
        *c = (struct chain){ .name = copy(b, name) };
}

void build_rule(struct build *b, const char *comment) {
    struct chain *c;
    struct rule *r;

    if (b->error)
        return;
    c = &b->ruleset->chains[b->ruleset->n_chains - 1];
    r = BUILD_APPEND(b, c->rules, c->n_rules);
    if (r)
        r->comment = copy(b, comment);
}

void build_stmt(struct build *b, struct stmt stmt) {
    struct chain *c;
    struct rule *r;
    struct stmt *s;

    if (b->error)
        return;
    c = &b->ruleset->chains[b->ruleset->n_chains - 1];
    r = &c->rules[c->n_rules - 1];
    s = BUILD_APPEND(b, r->stmts, r->n_stmts);
    if (!s)
        return;
    *s = stmt;
    if (stmt.type == STMT_ADDRESS)
        s->address.set = copy(b, stmt.address.set);
    else if (stmt.type == STMT_VMAP)
        s->vmap.map = copy(b, stmt.vmap.map);
    else if (stmt.type == STMT_GRANTED)
        s->granted.set = copy(b, stmt.granted.set);
    else if (stmt.type == STMT_CT_VMAP)
        s->ct_vmap = copy(b, stmt.ct_vmap);
    else if (stmt.type == STMT_COUNTER)
        s->counter = copy(b, stmt.counter);
    else if (stmt.type == STMT_VERDICT)
        s->verdict.chain = copy(b, stmt.verdict.chain);
}

void build_verdict(struct build *b, enum verdict v, const char *chain) {
    build_stmt(b, (struct stmt){ .type = STMT_VERDICT, .verdict = { v, chain } });
}

static bool has_counter(const struct build *b, const char *name) {
    for (size_t i = b->ruleset->n_counters; i > 0; i--)
        if (strcmp(b->ruleset->counters[i - 1].name, name) == 0)
            return true;
    return false;
}

void build_counter(struct build *b, const char *name) {
    struct counter *c;

    if (b->error)
        return;
    if (!has_counter(b, name)) {
        c = BUILD_APPEND(b, b->ruleset->counters, b->ruleset->n_counters);
        if (!c)
            return;
        c->name = copy(b, name);
        if (b->error)
            return;
    }
    build_stmt(b, (struct stmt){ .type = STMT_COUNTER, .counter = name });
}

bool build_has_set(const struct build *b, const char *name) {
    if (b->error)
        return true;
    for (size_t i = b->ruleset->n_sets; i > 0; i--)
        if (strcmp(b->ruleset->sets[i - 1].name, name) == 0)
            return true;
    return false;
}

void build_set(struct build *b, const char *name, enum set_type type, bool is_map) {
    struct set *s = BUILD_APPEND(b, b->ruleset->sets, b->ruleset->n_sets);

    if (!s)
        return;
    *s = (struct set){ .name = copy(b, name), .type = type, .is_map = is_map };
    if (b->error)
        b->ruleset->n_sets--;
}

void build_element(struct build *b, struct element e) {
    struct set *s;
    struct element *slot;

    if (b->error)
        return;
    s = &b->ruleset->sets[b->ruleset->n_sets - 1];
    slot = BUILD_APPEND(b, s->elements, s->n_elements);
    if (!slot)
        return;
    e.chain = copy(b, e.chain);
    *slot = e;
    if (set_type_has_addresses(s->type) && !range_is_host(&e.range))
        s->is_interval = true;
}

int build_finish(struct build *b) {
    return b->error ? b->error : ruleset_index(b->ruleset);
}
