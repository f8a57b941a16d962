/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_PLAN_MODEL_H
#define PORTD_TESTS_PLAN_MODEL_H

/* What the kernel does with a plan, on a copy of HAVE in memory, and as strict as the kernel:
 * nothing is added twice, nothing referred to is deleted, nothing refers to what isn't there,
 * ranges of a set don't overlap, a position is a rule that exists.
 *
 * A rule read back and not meant (.foreign) may still have statements here: what it refers to.
 * An anonymous set goes with the rule whose .foreign is its name. */

#include "engine/plan.h"

struct model {
    struct ruleset *rules;
    uint64_t last_handle;
};

/* With the room that arena_grow() expects: the next power of two. */
static inline void *model_copy(struct arena *a, const void *from, size_t n, size_t size) {
    size_t room = 1;
    void *to;

    while (room < n)
        room *= 2;
    to = arena_alloc(a, room * size);
    if (to && n)
        memcpy(to, from, n * size);
    return to;
}

/* The strings stay those of `have`. */
static inline struct ruleset *model_of(const struct ruleset *have) {
    struct ruleset *r = ruleset_new();
    struct arena *a = r->arena;

    *r = *have;
    r->arena = a;
    r->chains = model_copy(a, have->chains, have->n_chains, sizeof(*r->chains));
    r->sets = model_copy(a, have->sets, have->n_sets, sizeof(*r->sets));
    r->counters = model_copy(a, have->counters, have->n_counters, sizeof(*r->counters));
    for (size_t i = 0; i < r->n_chains; i++)
        r->chains[i].rules =
            model_copy(a, r->chains[i].rules, r->chains[i].n_rules, sizeof(struct rule));
    for (size_t i = 0; i < r->n_sets; i++)
        r->sets[i].elements =
            model_copy(a, r->sets[i].elements, r->sets[i].n_elements, sizeof(struct element));
    return r;
}

/* The three kinds of object begin with their name. */
static inline size_t model_find(const void *objects, size_t n, size_t size, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(*(const char *const *)((const char *)objects + i * size), name) == 0)
            return i;
    return SIZE_MAX;
}

#define MODEL_FIND(array, n, name)                                                                 \
    ({                                                                                             \
        size_t _at = model_find((array), (n), sizeof(*(array)), (name));                           \
        _at == SIZE_MAX ? NULL : &(array)[_at];                                                    \
    })

#define MODEL_REMOVE(array, n, item)                                                               \
    do {                                                                                           \
        memmove((item), (item) + 1, (size_t)((array) + (n) - ((item) + 1)) * sizeof(*(array)));    \
        (n)--;                                                                                     \
    } while (0)

static inline struct chain *model_chain(const struct model *m, const char *name) {
    return MODEL_FIND(m->rules->chains, m->rules->n_chains, name);
}

static inline struct set *model_set(const struct model *m, const char *name) {
    return MODEL_FIND(m->rules->sets, m->rules->n_sets, name);
}

/* Objects of several kinds may have one name. */
static inline struct counter *model_counter(const struct model *m, const struct counter *like) {
    for (size_t i = 0; i < m->rules->n_counters; i++) {
        struct counter *c = &m->rules->counters[i];

        if (strcmp(c->name, like->name) == 0 && !c->foreign == !like->foreign &&
            c->foreign_type == like->foreign_type)
            return c;
    }
    return NULL;
}

enum model_kind { MODEL_CHAIN, MODEL_SET, MODEL_COUNTER };

/* The name of that kind that a statement refers to, or NULL. */
static inline const char *model_reference(const struct stmt *s, enum model_kind kind) {
    switch (kind) {
    case MODEL_CHAIN:
        return s->type == STMT_VERDICT ? s->verdict.chain : NULL;
    case MODEL_SET:
        return stmt_set(s);
    case MODEL_COUNTER:
        return s->type == STMT_COUNTER ? s->counter : NULL;
    }
    return NULL;
}

static inline bool model_is_used(const struct model *m, enum model_kind kind, const char *name) {
    const struct ruleset *r = m->rules;

    for (size_t i = 0; i < r->n_chains; i++)
        for (size_t j = 0; j < r->chains[i].n_rules; j++)
            for (size_t k = 0; k < r->chains[i].rules[j].n_stmts; k++) {
                const char *used = model_reference(&r->chains[i].rules[j].stmts[k], kind);

                if (used && strcmp(used, name) == 0)
                    return true;
            }
    for (size_t i = 0; kind == MODEL_CHAIN && i < r->n_sets; i++)
        for (size_t j = 0; j < r->sets[i].n_elements; j++)
            if (r->sets[i].elements[j].chain && strcmp(r->sets[i].elements[j].chain, name) == 0)
                return true;
    return false;
}

static inline bool model_rule_can_refer(const struct model *m, const struct rule *r) {
    for (size_t i = 0; i < r->n_stmts; i++) {
        const char *chain = model_reference(&r->stmts[i], MODEL_CHAIN);
        const char *set = model_reference(&r->stmts[i], MODEL_SET);
        const char *counter = model_reference(&r->stmts[i], MODEL_COUNTER);

        if ((chain && !model_chain(m, chain)) || (set && !model_set(m, set)) ||
            (counter && !model_counter(m, &(struct counter){ .name = counter })))
            return false;
    }
    return true;
}

static inline struct rule *model_rule(struct chain *c, uint64_t handle) {
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].handle == handle)
            return &c->rules[i];
    return NULL;
}

static inline void model_rule_remove(struct model *m, struct chain *c, struct rule *r) {
    struct set *own = r->foreign ? model_set(m, r->foreign) : NULL;

    MODEL_REMOVE(c->rules, c->n_rules, r);
    if (own && own->is_anonymous)
        MODEL_REMOVE(m->rules->sets, m->rules->n_sets, own);
}

/* Each operation: NULL, or why the kernel would refuse it. */

static inline const char *model_table_delete(struct model *m, const struct plan_op *op) {
    struct ruleset *r = m->rules;

    (void)op;
    if (!r->exists)
        return "there is no table to delete";
    r->exists = false;
    r->n_chains = r->n_sets = r->n_counters = 0;
    r->flags = 0;
    return NULL;
}

static inline const char *model_table_add(struct model *m, const struct plan_op *op) {
    (void)op;
    if (m->rules->exists)
        return "the table is there";
    m->rules->exists = true;
    return NULL;
}

/* nf_tables_updtable() of the kernel: an orphan is claimed, and nothing else. */
#define MODEL_OWNER 7U
static inline const char *model_table_claim(struct model *m, const struct plan_op *op) {
    (void)op;
    return m->rules->flags == TABLE_ORPHAN ? NULL : "the table is no orphan to be claimed";
}

static inline const char *model_table_flags(struct model *m, const struct plan_op *op) {
    (void)op;
    return m->rules->exists ? NULL : "there is no table";
}

static inline const char *model_chain_flush(struct model *m, const struct plan_op *op) {
    struct chain *c = model_chain(m, op->chain->name);

    if (!c)
        return "there is no chain to flush";
    while (c->n_rules)
        model_rule_remove(m, c, &c->rules[c->n_rules - 1]);
    return NULL;
}

static inline const char *model_rule_delete(struct model *m, const struct plan_op *op) {
    struct chain *c = model_chain(m, op->chain->name);
    struct rule *r = c ? model_rule(c, op->rule->handle) : NULL;

    if (!r)
        return "there is no rule to delete";
    model_rule_remove(m, c, r);
    return NULL;
}

static inline bool model_overlap(const struct element *a, const struct element *b,
                                 enum set_type type) {
    if (!set_type_has_addresses(type))
        return element_compare_key(a, b, type) == 0;
    return address_compare(&a->range.lo, &b->range.hi) <= 0 &&
           address_compare(&b->range.lo, &a->range.hi) <= 0;
}

static inline const char *model_elements_delete(struct model *m, const struct plan_op *op) {
    struct set *s = model_set(m, op->set->name);

    if (!s || op->n_elements == 0)
        return "there are no elements to delete";
    for (size_t i = 0; i < op->n_elements; i++) {
        size_t at = 0;

        while (at < s->n_elements && !element_equal(&s->elements[at], op->elements[i], s))
            at++;
        if (at == s->n_elements)
            return "there is no such element";
        MODEL_REMOVE(s->elements, s->n_elements, &s->elements[at]);
    }
    return NULL;
}

static inline const char *model_elements_add(struct model *m, const struct plan_op *op) {
    struct set *s = model_set(m, op->set->name);

    if (!s || op->n_elements == 0)
        return "there is no set to add to";
    for (size_t i = 0; i < op->n_elements; i++) {
        const struct element *e = op->elements[i];

        for (size_t j = 0; j < s->n_elements; j++)
            if (model_overlap(&s->elements[j], e, s->type))
                return "the element is there";
        if (e->chain && !model_chain(m, e->chain))
            return "the element leads nowhere";
        *ARENA_APPEND(m->rules->arena, s->elements, s->n_elements) = *e;
    }
    return NULL;
}

static inline const char *model_set_delete(struct model *m, const struct plan_op *op) {
    struct set *s = model_set(m, op->set->name);

    if (!s || s->is_anonymous || model_is_used(m, MODEL_SET, s->name))
        return "the set is used, or not there";
    MODEL_REMOVE(m->rules->sets, m->rules->n_sets, s);
    return NULL;
}

static inline const char *model_set_add(struct model *m, const struct plan_op *op) {
    struct set *s;

    if (model_set(m, op->set->name))
        return "the set is there";
    s = ARENA_APPEND(m->rules->arena, m->rules->sets, m->rules->n_sets);
    *s = *op->set;
    s->elements = NULL;
    s->n_elements = 0;
    return NULL;
}

static inline const char *model_chain_delete(struct model *m, const struct plan_op *op) {
    struct chain *c = model_chain(m, op->chain->name);

    if (!c || c->n_rules || model_is_used(m, MODEL_CHAIN, c->name))
        return "the chain is used, or not there";
    MODEL_REMOVE(m->rules->chains, m->rules->n_chains, c);
    return NULL;
}

static inline const char *model_chain_add(struct model *m, const struct plan_op *op) {
    struct chain *c;

    if (model_chain(m, op->chain->name))
        return "the chain is there";
    c = ARENA_APPEND(m->rules->arena, m->rules->chains, m->rules->n_chains);
    *c = *op->chain;
    c->rules = NULL;
    c->n_rules = 0;
    return NULL;
}

static inline const char *model_chain_policy(struct model *m, const struct plan_op *op) {
    struct chain *c = model_chain(m, op->chain->name);

    if (!c || !c->is_base)
        return "only base chains have a policy";
    c->policy = op->chain->policy;
    return NULL;
}

static inline const char *model_counter_delete(struct model *m, const struct plan_op *op) {
    struct counter *c = model_counter(m, op->counter);

    if (!c || (!c->foreign && model_is_used(m, MODEL_COUNTER, c->name)))
        return "the counter is used, or not there";
    MODEL_REMOVE(m->rules->counters, m->rules->n_counters, c);
    return NULL;
}

static inline const char *model_counter_add(struct model *m, const struct plan_op *op) {
    if (model_counter(m, op->counter))
        return "the counter is there";
    *ARENA_APPEND(m->rules->arena, m->rules->counters, m->rules->n_counters) = *op->counter;
    return NULL;
}

static inline const char *model_rule_add(struct model *m, const struct plan_op *op) {
    struct chain *c = model_chain(m, op->chain->name);
    struct rule *beside = c && op->where != PLAN_APPEND ? model_rule(c, op->position) : NULL;
    size_t at;

    if (!c || (op->where != PLAN_APPEND && !beside))
        return "there is no such place for a rule";
    if (!model_rule_can_refer(m, op->rule))
        return "the rule refers to what isn't there";
    at = op->where == PLAN_APPEND ? c->n_rules
                                  : (size_t)(beside - c->rules) + (op->where == PLAN_AFTER);
    (void)ARENA_APPEND(m->rules->arena, c->rules, c->n_rules);
    memmove(&c->rules[at + 1], &c->rules[at], (c->n_rules - 1 - at) * sizeof(*c->rules));
    c->rules[at] = *op->rule;
    c->rules[at].handle = ++m->last_handle;
    return NULL;
}

static const char *(*const model_ops[])(struct model *, const struct plan_op *) = {
    [PLAN_TABLE_DELETE] = model_table_delete,
    [PLAN_TABLE_ADD] = model_table_add,
    [PLAN_TABLE_CLAIM] = model_table_claim,
    [PLAN_TABLE_FLAGS] = model_table_flags,
    [PLAN_CHAIN_FLUSH] = model_chain_flush,
    [PLAN_RULE_DELETE] = model_rule_delete,
    [PLAN_ELEMENTS_DELETE] = model_elements_delete,
    [PLAN_SET_DELETE] = model_set_delete,
    [PLAN_CHAIN_DELETE] = model_chain_delete,
    [PLAN_COUNTER_DELETE] = model_counter_delete,
    [PLAN_CHAIN_ADD] = model_chain_add,
    [PLAN_CHAIN_POLICY] = model_chain_policy,
    [PLAN_COUNTER_ADD] = model_counter_add,
    [PLAN_SET_ADD] = model_set_add,
    [PLAN_ELEMENTS_ADD] = model_elements_add,
    [PLAN_RULE_ADD] = model_rule_add,
};
static_assert(ARRAY_SIZE(model_ops) == PLAN_OP_MAX, "an operation has no model");

/* NULL and HAVE as the plan leaves it in *ret, indexed; or why the plan would be refused. */
static inline const char *model_apply(const struct ruleset *have, const struct plan *plan,
                                      struct ruleset **ret) {
    struct model m = { .rules = model_of(have), .last_handle = 1U << 20 };
    const char *refusal = NULL;

    for (size_t i = 0; i < plan->n_ops && !refusal; i++) {
        enum plan_op_type type = plan->ops[i].type;

        refusal = model_ops[type](&m, &plan->ops[i]);
        if (type == PLAN_TABLE_ADD || type == PLAN_TABLE_CLAIM || type == PLAN_TABLE_FLAGS)
            m.rules->flags = plan->flags;
        m.rules->owner = m.rules->flags & TABLE_OWNER ? MODEL_OWNER : 0;
    }
    if (!refusal && ruleset_index(m.rules) < 0)
        refusal = "a name or key is there twice";
    if (refusal)
        ruleset_free(m.rules);
    else
        *ret = m.rules;
    return refusal;
}

#endif
