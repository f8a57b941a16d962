/* SPDX-License-Identifier: GPL-2.0-or-later */
/* HAVE -> WANT as operations for one transaction. Rules of a chain that differs are changed in
 * the middle only: what both begin and end with stays, so that a deleted rule costs one addition
 * and the counters of the others go on. Base chains are never deleted in service but when
 * somebody moved them, because the kernel has no other way back. */
#include "engine/plan.h"

#include <errno.h>

/* Which chains are added, with their rules. */
enum adding { ADDING_ALL, ADDING_REGULAR, ADDING_BASE };

/* Less than that is no difference in time: a commit may wait, the kernel rounds to its ticks. */
#define SLACK_MSEC ((uint64_t)1000)

struct differ {
    struct arena *arena;
    struct plan *plan;
    const struct ruleset *want, *have;
    enum adding adding;
    uint64_t now_msec; /* when HAVE was read; 0: it was not, but is known */
};

static bool is_added(const struct differ *d, const struct chain *c) {
    return d->adding == ADDING_ALL || c->is_base == (d->adding == ADDING_BASE);
}

static struct plan_op *op_add(struct differ *d, enum plan_op_type type) {
    struct plan_op *op = ARENA_APPEND(d->arena, d->plan->ops, d->plan->n_ops);

    if (op)
        op->type = type;
    return op;
}

static int op_chain(struct differ *d, enum plan_op_type type, const struct chain *c) {
    struct plan_op *op = op_add(d, type);

    if (!op)
        return -ENOMEM;
    op->chain = c;
    return 0;
}

static int op_set(struct differ *d, enum plan_op_type type, const struct set *s) {
    struct plan_op *op = op_add(d, type);

    if (!op)
        return -ENOMEM;
    op->set = s;
    return 0;
}

static int op_counter(struct differ *d, enum plan_op_type type, const struct counter *c) {
    struct plan_op *op = op_add(d, type);

    if (!op)
        return -ENOMEM;
    op->counter = c;
    return 0;
}

static int op_rule(struct differ *d, enum plan_op_type type, const struct chain *c,
                   const struct rule *r, enum plan_where where, uint64_t position) {
    struct plan_op *op = op_add(d, type);

    if (!op)
        return -ENOMEM;
    op->chain = c;
    op->rule = r;
    op->where = where;
    op->position = position;
    return 0;
}

/* Whether HAVE's object can stay and be changed in place. */
static bool chain_fits(const struct chain *want, const struct chain *have) {
    if (have->foreign || want->is_base != have->is_base)
        return false;
    return !want->is_base || (want->hook == have->hook && want->priority == have->priority);
}

static bool set_fits(const struct set *want, const struct set *have) {
    return !have->foreign && want->type == have->type && want->is_map == have->is_map &&
           want->is_interval == have->is_interval;
}

static const struct chain *chain_kept(const struct ruleset *other, const struct chain *c,
                                      bool c_is_want) {
    const struct chain *o = ruleset_chain(other, c->name);

    return o && chain_fits(c_is_want ? c : o, c_is_want ? o : c) ? o : NULL;
}

static const struct set *set_kept(const struct ruleset *other, const struct set *s,
                                  bool s_is_want) {
    const struct set *o = ruleset_set(other, s->name);

    return o && set_fits(s_is_want ? s : o, s_is_want ? o : s) ? o : NULL;
}

/* A rule must be made anew when what it refers to is: the kernel keeps no name, but the object. */
static bool rule_refers_to_new(const struct differ *d, const struct rule *r) {
    for (size_t i = 0; i < r->n_stmts; i++) {
        const struct stmt *s = &r->stmts[i];
        const char *set = stmt_set(s);
        const struct set *want = set ? ruleset_set(d->want, set) : NULL;
        const struct chain *chain = s->type == STMT_VERDICT && s->verdict.chain
                                        ? ruleset_chain(d->want, s->verdict.chain)
                                        : NULL;

        if ((set && (!want || !set_kept(d->have, want, true))) ||
            (chain && !chain_kept(d->have, chain, true)))
            return true;
    }
    return false;
}

/* Rules at both ends that are equal and stay. */
struct common {
    size_t head, tail;
};

static struct common rules_common(const struct differ *d, const struct chain *want,
                                  const struct chain *have) {
    size_t n = want->n_rules < have->n_rules ? want->n_rules : have->n_rules;
    struct common c = { 0 };

    while (c.head < n && rule_equal(&want->rules[c.head], &have->rules[c.head]) &&
           !rule_refers_to_new(d, &want->rules[c.head]))
        c.head++;
    while (c.tail < n - c.head) {
        const struct rule *w = &want->rules[want->n_rules - 1 - c.tail];

        if (!rule_equal(w, &have->rules[have->n_rules - 1 - c.tail]) || rule_refers_to_new(d, w))
            break;
        c.tail++;
    }
    return c;
}

static int delete_rules(struct differ *d) {
    for (size_t i = 0; i < d->have->n_chains; i++) {
        const struct chain *have = &d->have->chains[i];
        const struct chain *want = chain_kept(d->want, have, false);
        struct common c;
        int r = 0;

        if (!want) {
            r = have->n_rules ? op_chain(d, PLAN_CHAIN_FLUSH, have) : 0;
            if (r < 0)
                return r;
            continue;
        }
        c = rules_common(d, want, have);
        if (c.head + c.tail == 0 && have->n_rules) {
            r = op_chain(d, PLAN_CHAIN_FLUSH, have);
            if (r < 0)
                return r;
            continue;
        }
        for (size_t j = c.head; j < have->n_rules - c.tail; j++) {
            r = op_rule(d, PLAN_RULE_DELETE, have, &have->rules[j], PLAN_APPEND, 0);
            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* Behind the head in reverse, since each goes directly behind it; else before the tail. */
static int add_rules(struct differ *d) {
    for (size_t i = 0; i < d->want->n_chains; i++) {
        const struct chain *want = &d->want->chains[i];
        const struct chain *have = chain_kept(d->have, want, true);
        struct common c = have ? rules_common(d, want, have) : (struct common){ 0 };
        size_t n = is_added(d, want) ? want->n_rules - c.head - c.tail : 0;

        for (size_t j = 0; j < n; j++) {
            enum plan_where where = c.tail == 0 ? PLAN_APPEND : c.head ? PLAN_AFTER : PLAN_BEFORE;
            size_t at = where == PLAN_AFTER ? n - 1 - j : j;
            uint64_t position = where == PLAN_AFTER    ? have->rules[c.head - 1].handle
                                : where == PLAN_BEFORE ? have->rules[have->n_rules - c.tail].handle
                                                       : 0;
            int r = op_rule(d, PLAN_RULE_ADD, want, &want->rules[c.head + at], where, position);

            if (r < 0)
                return r;
        }
    }
    return 0;
}

/* What ends by itself ends when WANT says, or HAVE's is another one. */
static bool ends_in_time(const struct differ *d, const struct element *want,
                         const struct element *have) {
    uint64_t earliest = have->until_msec, latest = earliest + d->have->read_took_msec;

    if (want->until_msec == ELEMENT_FOR_EVER || have->until_msec == ELEMENT_FOR_EVER)
        return want->until_msec == have->until_msec;
    if (earliest > want->until_msec)
        return earliest - want->until_msec <= SLACK_MSEC;
    return want->until_msec <= latest || want->until_msec - latest <= SLACK_MSEC;
}

/* As rules: a verdict that leads to a chain made anew is made anew. */
static bool element_stays(const struct differ *d, const struct element *want,
                          const struct element *have, const struct set *of) {
    const struct chain *c = want->chain ? ruleset_chain(d->want, want->chain) : NULL;

    if (set_type_is_granted(of->type) && !ends_in_time(d, want, have))
        return false;
    return element_equal(want, have, of) && (!c || chain_kept(d->have, c, true));
}

static int op_elements(struct differ *d, enum plan_op_type type, const struct set *s,
                       const struct element **elements, size_t n) {
    struct plan_op *op;

    if (n == 0)
        return 0;
    op = op_add(d, type);
    if (!op)
        return -ENOMEM;
    op->set = s;
    op->elements = elements;
    op->n_elements = n;
    return 0;
}

/* Or as good as: nobody misses it, and the kernel may have taken it out already. */
static bool is_over(const struct differ *d, const struct element *want, const struct set *of) {
    return set_type_is_granted(of->type) && d->now_msec > 0 &&
           want->until_msec <= d->now_msec + SLACK_MSEC;
}

/* The elements of `a` that `b` lacks; `a_is_want` says which one is WANT's. */
static int elements_missing(struct differ *d, const struct set *a, const struct set *b,
                            bool a_is_want, const struct element ***ret, size_t *ret_n) {
    const struct element **missing = arena_alloc(d->arena, (a->n_elements + 1) * sizeof(*missing));
    size_t n = 0, j = 0;

    if (!missing)
        return -ENOMEM;
    for (size_t i = 0; i < a->n_elements; i++) {
        const struct element *e = &a->elements[i], *other;

        while (b && j < b->n_elements && element_compare_key(&b->elements[j], e, a->type) < 0)
            j++;
        if (a_is_want && is_over(d, e, a))
            continue;
        other = b && j < b->n_elements ? &b->elements[j] : NULL;
        if (!other || !element_stays(d, a_is_want ? e : other, a_is_want ? other : e, a))
            missing[n++] = e;
    }
    *ret = missing;
    *ret_n = n;
    return 0;
}

static int delete_elements(struct differ *d) {
    for (size_t i = 0; i < d->have->n_sets; i++) {
        const struct set *have = &d->have->sets[i];
        const struct set *want = set_kept(d->want, have, false);
        const struct element **elements;
        size_t n;
        int r;

        if (!want)
            continue;
        r = elements_missing(d, have, want, false, &elements, &n);
        if (r < 0)
            return r;
        r = op_elements(d, PLAN_ELEMENTS_DELETE, have, elements, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_elements(struct differ *d) {
    for (size_t i = 0; i < d->want->n_sets; i++) {
        const struct set *want = &d->want->sets[i];
        const struct element **elements;
        size_t n;
        int r;

        r = elements_missing(d, want, set_kept(d->have, want, true), true, &elements, &n);
        if (r < 0)
            return r;
        r = op_elements(d, PLAN_ELEMENTS_ADD, want, elements, n);
        if (r < 0)
            return r;
    }
    return 0;
}

static bool counter_kept(const struct ruleset *other, const struct counter *c) {
    const struct counter *o = ruleset_counter(other, c->name);

    return o && !o->foreign && !c->foreign;
}

static int delete_objects(struct differ *d) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->have->n_sets; i++)
        if (!d->have->sets[i].is_anonymous && !set_kept(d->want, &d->have->sets[i], false))
            r = op_set(d, PLAN_SET_DELETE, &d->have->sets[i]);
    for (size_t i = 0; r == 0 && i < d->have->n_chains; i++)
        if (!chain_kept(d->want, &d->have->chains[i], false))
            r = op_chain(d, PLAN_CHAIN_DELETE, &d->have->chains[i]);
    for (size_t i = 0; r == 0 && i < d->have->n_counters; i++)
        if (!counter_kept(d->want, &d->have->counters[i]))
            r = op_counter(d, PLAN_COUNTER_DELETE, &d->have->counters[i]);
    return r;
}

static int add_chains(struct differ *d) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->want->n_chains; i++) {
        const struct chain *c = &d->want->chains[i], *have = chain_kept(d->have, c, true);

        if (!is_added(d, c))
            continue;
        if (!have)
            r = op_chain(d, PLAN_CHAIN_ADD, c);
        else if (c->is_base && c->policy != have->policy)
            r = op_chain(d, PLAN_CHAIN_POLICY, c);
    }
    return r;
}

static int add_objects(struct differ *d) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->want->n_counters; i++)
        if (!counter_kept(d->have, &d->want->counters[i]))
            r = op_counter(d, PLAN_COUNTER_ADD, &d->want->counters[i]);
    if (r == 0)
        r = add_chains(d);
    for (size_t i = 0; r == 0 && i < d->want->n_sets; i++)
        if (!set_kept(d->have, &d->want->sets[i], true))
            r = op_set(d, PLAN_SET_ADD, &d->want->sets[i]);
    return r;
}

typedef int (*step)(struct differ *d);

static int take_steps(struct differ *d, const step *steps, size_t n) {
    int r = 0;

    for (size_t i = 0; r >= 0 && i < n; i++)
        r = steps[i](d);
    return r;
}

static int diff_contents(struct differ *d) {
    static const step steps[] = {
        delete_rules, delete_elements, delete_objects, add_objects, add_elements, add_rules,
    };

    return take_steps(d, steps, ARRAY_SIZE(steps));
}

static int table_create(struct differ *d) {
    static const step behind[] = { add_objects, add_elements, add_rules };
    static const step hooks[] = { add_chains, add_rules };
    int r = op_add(d, PLAN_TABLE_ADD) ? 0 : -ENOMEM;

    d->adding = ADDING_REGULAR;
    if (r == 0)
        r = take_steps(d, behind, ARRAY_SIZE(behind));
    d->plan->n_first = d->plan->n_ops;
    d->adding = ADDING_BASE;
    return r < 0 ? r : take_steps(d, hooks, ARRAY_SIZE(hooks));
}

static int table_delete(struct differ *d) {
    int r = 0;

    for (size_t i = 0; r == 0 && i < d->have->n_chains; i++) {
        const struct chain *c = &d->have->chains[i];

        if (!c->is_base)
            continue;
        r = c->n_rules ? op_chain(d, PLAN_CHAIN_FLUSH, c) : 0;
        if (r == 0)
            r = op_chain(d, PLAN_CHAIN_DELETE, c);
    }
    d->plan->n_first = d->plan->n_ops;
    return r == 0 && !op_add(d, PLAN_TABLE_DELETE) ? -ENOMEM : r;
}

/* The kernel lets an orphan be claimed, and nothing else: it neither seals another table that is
 * there, nor takes a seal off, nor wakes an orphan that somebody put to sleep. */
bool table_must_be_remade(const struct ruleset *want, uint32_t have_flags) {
    uint32_t changed = want->flags ^ have_flags;

    return changed & TABLE_PERSIST || (have_flags & ~want->flags & TABLE_OWNER) ||
           (want->flags & TABLE_PERSIST && changed & TABLE_DORMANT);
}

static bool table_must_be_claimed(const struct ruleset *want, const struct ruleset *have) {
    return want->flags & TABLE_OWNER &&
           (!(have->flags & TABLE_OWNER) || have->owner != want->owner);
}

static int table_remake(struct differ *d) {
    static const struct ruleset nothing;

    d->have = &nothing;
    return op_add(d, PLAN_TABLE_DELETE) && op_add(d, PLAN_TABLE_ADD) ? 0 : -ENOMEM;
}

static int diff_table(struct differ *d) {
    const struct ruleset *want = d->want, *have = d->have;
    int r = 0;

    if (!want->exists)
        return have->exists ? table_delete(d) : 0;
    if (!have->exists)
        return table_create(d);
    if (table_must_be_remade(want, have->flags))
        r = table_remake(d);
    else if (table_must_be_claimed(want, have))
        r = op_add(d, PLAN_TABLE_CLAIM) ? 0 : -ENOMEM;
    else if ((want->flags ^ have->flags) & TABLE_DORMANT)
        r = op_add(d, PLAN_TABLE_FLAGS) ? 0 : -ENOMEM;
    return r < 0 ? r : diff_contents(d);
}

static int plan_make(const struct ruleset *want, const struct ruleset *have,
                     int (*fill)(struct differ *d), struct plan **ret) {
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct differ d = { .arena = arena, .want = want, .have = have, .now_msec = have->read_msec };
    int r;

    if (!arena)
        return -ENOMEM;
    d.plan = arena_alloc(arena, sizeof(*d.plan));
    if (!d.plan)
        return -ENOMEM;
    d.plan->flags = want->flags;
    r = fill(&d);
    if (r < 0)
        return r;
    d.plan->arena = TAKE_PTR(arena);
    *ret = d.plan;
    return 0;
}

int ruleset_diff(const struct ruleset *want, const struct ruleset *have, struct plan **ret) {
    return plan_make(want, have, diff_table, ret);
}

static int claim_add(struct differ *d) {
    return op_add(d, PLAN_TABLE_CLAIM) ? 0 : -ENOMEM;
}

int plan_claim(const struct ruleset *want, struct plan **ret) {
    return plan_make(want, want, claim_add, ret);
}

bool plan_is_empty(const struct plan *p) {
    return p->n_ops == 0;
}

bool plan_has_handles(const struct plan *p) {
    for (size_t i = 0; i < p->n_ops; i++) {
        const struct plan_op *op = &p->ops[i];

        if ((op->type == PLAN_RULE_DELETE && op->rule->handle == 0) ||
            (op->type == PLAN_RULE_ADD && op->where != PLAN_APPEND && op->position == 0))
            return false;
    }
    return true;
}

struct plan *plan_free(struct plan *p) {
    if (p)
        arena_free(p->arena);
    return NULL;
}

const char *plan_op_subject(const struct plan_op *op) {
    if (op->rule)
        return op->rule->comment ? op->rule->comment : op->chain->name;
    if (op->set)
        return op->set->name;
    if (op->counter)
        return op->counter->name;
    return op->chain ? op->chain->name : NULL;
}
