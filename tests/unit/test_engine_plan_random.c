/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Any ruleset to any other: a plan applied to HAVE must be one that the kernel takes, and leave
 * what WANT says. WANT is random; HAVE is what a clumsy or hostile hand makes of it, or another
 * ruleset altogether. Few names, few rules and few addresses, so that much coincides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/build.h"
#include "engine/text.h"

#include "loading.h"
#include "plan_model.h"

#include <stdio.h>

#define PAIRS     4000U
#define SEED      20240607U
#define CHAINS    6U
#define SETS      5U
#define COUNTERS  4U
#define RULES_MAX 7U

struct chance {
    uint32_t state;
    unsigned likeness; /* percent of an object taken over from the other ruleset */
    bool foreign;      /* things of others may be in it */
};

static uint32_t below(struct chance *c, uint32_t n) {
    return random_next(&c->state) % n;
}

static bool percent(struct chance *c, unsigned n) {
    return below(c, 100) < n;
}

static const char *numbered(struct arena *a, const char *prefix, uint32_t n) {
    return arena_printf(a, "%s%u", prefix, n);
}

/* Whether an object of the other ruleset is taken over, made anew or left out. */
enum fate { FATE_TAKE, FATE_MAKE, FATE_OMIT };

static enum fate fate_of(struct chance *c, const void *like) {
    if (like && percent(c, c->likeness))
        return FATE_TAKE;
    return percent(c, 70) ? FATE_MAKE : FATE_OMIT;
}

static void add_counters(struct chance *c, struct ruleset *r, const struct ruleset *like) {
    for (uint32_t i = 0; i < COUNTERS; i++) {
        const char *name = numbered(r->arena, "n", i);

        if (fate_of(c, like ? ruleset_counter(like, name) : NULL) != FATE_OMIT)
            ARENA_APPEND(r->arena, r->counters, r->n_counters)->name = name;
        if (c->foreign && percent(c, 10)) {
            struct counter *quota = ARENA_APPEND(r->arena, r->counters, r->n_counters);

            *quota = (struct counter){ .name = name, .foreign = "quota", .foreign_type = 2 };
        }
    }
}

static void chain_kind(struct chance *c, struct chain *chain) {
    chain->is_base = percent(c, 40);
    if (!chain->is_base)
        return;
    chain->hook = HOOK_INPUT + below(c, HOOK_OUTPUT - HOOK_INPUT + 1);
    chain->priority = percent(c, 80) ? INT32_MAX - 1 : 0;
    chain->policy = percent(c, 50) ? CHAIN_DROP : CHAIN_ACCEPT;
    if (c->foreign && percent(c, 5))
        chain->foreign = "type route";
}

static void add_chains(struct chance *c, struct ruleset *r, const struct ruleset *like) {
    for (uint32_t i = 0; i < CHAINS; i++) {
        const char *name = numbered(r->arena, "c", i);
        const struct chain *other = like ? ruleset_chain(like, name) : NULL;
        enum fate fate = fate_of(c, other);
        struct chain *chain;

        if (fate == FATE_OMIT)
            continue;
        chain = ARENA_APPEND(r->arena, r->chains, r->n_chains);
        chain->name = name;
        chain_kind(c, chain);
        if (fate == FATE_TAKE) {
            chain->is_base = other->is_base;
            chain->hook = other->hook;
            chain->priority = other->priority;
            if (!chain->is_base || percent(c, 80))
                chain->policy = other->policy;
        }
    }
}

/* The kernel lets nothing jump to a base chain. */
static bool can_jump_to(const struct chain *chain) {
    return !chain->is_base;
}

static const char *any_chain(struct chance *c, const struct ruleset *r) {
    uint32_t first = r->n_chains ? below(c, (uint32_t)r->n_chains) : 0;

    for (size_t i = 0; i < r->n_chains; i++) {
        const struct chain *chain = &r->chains[(first + i) % r->n_chains];

        if (can_jump_to(chain))
            return chain->name;
    }
    return NULL;
}

static void element_verdict(struct chance *c, const struct ruleset *r, struct element *e) {
    e->chain = percent(c, 60) ? any_chain(c, r) : NULL;
    e->verdict = e->chain ? VERDICT_GOTO : percent(c, 50) ? VERDICT_ACCEPT : VERDICT_DROP;
}

/* Disjoint and not touching, in ascending order, out of sixteen addresses or ports. */
static void fill_set(struct chance *c, struct ruleset *r, struct set *s) {
    uint32_t key = below(c, 4);

    while (key < 16) {
        struct element *e = ARENA_APPEND(r->arena, s->elements, s->n_elements);
        uint32_t last = s->is_interval && percent(c, 50) ? key + below(c, 4) : key;

        if (!set_type_has_addresses(s->type)) {
            e->service.protocol = s->type == SET_SERVICE ? PROTOCOL_TCP : 0;
            e->service.port = (uint16_t)key;
        } else {
            e->range.lo.bytes[3] = (uint8_t)key;
            e->range.hi.bytes[3] = (uint8_t)last;
        }
        if (set_type_is_granted(s->type))
            e->until_msec = 100000 + 50000 * below(c, 2);
        if (s->is_map)
            element_verdict(c, r, e);
        key = last + 2 + below(c, 5);
    }
}

static bool chain_is_there(const struct ruleset *r, const char *name) {
    const struct chain *chain = name ? MODEL_FIND(r->chains, r->n_chains, name) : NULL;

    return !name || (chain && can_jump_to(chain));
}

/* Most elements of the other set; another verdict here and there. */
static void take_set(struct chance *c, struct ruleset *r, struct set *s, const struct set *other) {
    for (size_t i = 0; i < other->n_elements; i++) {
        struct element *e;

        if (percent(c, 15) || !chain_is_there(r, other->elements[i].chain))
            continue;
        e = ARENA_APPEND(r->arena, s->elements, s->n_elements);
        *e = other->elements[i];
        if (s->is_map && percent(c, 15))
            element_verdict(c, r, e);
    }
}

static void add_sets(struct chance *c, struct ruleset *r, const struct ruleset *like) {
    for (uint32_t i = 0; i < SETS; i++) {
        const char *name = numbered(r->arena, "s", i);
        const struct set *other = like ? ruleset_set(like, name) : NULL;
        enum fate fate = fate_of(c, other);
        struct set *s;

        if (fate == FATE_OMIT)
            continue;
        s = ARENA_APPEND(r->arena, r->sets, r->n_sets);
        s->name = name;
        if (fate == FATE_TAKE) {
            s->type = other->type;
            s->is_interval = other->is_interval;
            s->is_map = other->is_map;
            take_set(c, r, s, other);
            continue;
        }
        s->type = (enum set_type)below(c, SET_TYPE_MAX);
        s->is_interval = set_type_has_addresses(s->type) && percent(c, 50);
        s->is_map = percent(c, 40);
        fill_set(c, r, s);
        if (c->foreign && percent(c, 10))
            s->foreign = "timeout";
    }
}

static void rule_begin(struct chance *c, struct ruleset *r, struct chain *chain) {
    static const char *const comments[] = { NULL, "a", "b", "c" };
    struct rule *rule = ARENA_APPEND(r->arena, chain->rules, chain->n_rules);

    rule->comment = comments[below(c, ARRAY_SIZE(comments))];
}

static void rule_stmt(struct ruleset *r, struct chain *chain, struct stmt s) {
    struct rule *rule = &chain->rules[chain->n_rules - 1];

    *ARENA_APPEND(r->arena, rule->stmts, rule->n_stmts) = s;
}

/* With a set of its own, as `ip saddr { … }` makes it. */
static void make_rule_foreign(struct ruleset *r, struct chain *chain, uint32_t number) {
    struct rule *rule = &chain->rules[chain->n_rules - 1];
    struct set *own = ARENA_APPEND(r->arena, r->sets, r->n_sets);

    own->name = rule->foreign = numbered(r->arena, "__set", number);
    own->is_anonymous = true;
}

static void make_rule(struct chance *c, struct ruleset *r, struct chain *chain) {
    const char *to;

    rule_begin(c, r, chain);
    if (r->n_sets && percent(c, 40)) {
        const struct set *s = &r->sets[below(c, (uint32_t)r->n_sets)];

        if (s->is_map && s->type == SET_PORT)
            rule_stmt(r, chain, (struct stmt){ .type = STMT_CT_VMAP, .ct_vmap = s->name });
        else if (s->is_map)
            rule_stmt(r, chain,
                      (struct stmt){ .type = STMT_VMAP, .vmap = { SIDE_SOURCE, s->name } });
        else if (!s->is_anonymous)
            rule_stmt(r, chain,
                      (struct stmt){ .type = STMT_ADDRESS,
                                     .address = { FAMILY_IPV4, SIDE_SOURCE, s->name } });
    }
    if (r->n_counters && percent(c, 40)) {
        const struct counter *n = &r->counters[below(c, (uint32_t)r->n_counters)];

        if (!n->foreign)
            rule_stmt(r, chain, (struct stmt){ .type = STMT_COUNTER, .counter = n->name });
    }
    to = percent(c, 40) ? any_chain(c, r) : NULL;
    rule_stmt(
        r, chain,
        (struct stmt){ .type = STMT_VERDICT, .verdict = { to ? VERDICT_JUMP : VERDICT_DROP, to } });
}

static void take_rules(struct chance *c, struct ruleset *r, struct chain *chain,
                       const struct chain *other) {
    const struct model m = { .rules = r };

    for (size_t i = 0; i < other->n_rules; i++) {
        size_t at = percent(c, 10) ? below(c, (uint32_t)other->n_rules) : i;

        if (percent(c, 8))
            make_rule(c, r, chain);
        if (percent(c, 10) || !model_rule_can_refer(&m, &other->rules[at]))
            continue;
        *ARENA_APPEND(r->arena, chain->rules, chain->n_rules) = other->rules[at];
    }
}

static void add_rules(struct chance *c, struct ruleset *r, const struct ruleset *like) {
    uint64_t handle = 0;

    for (size_t i = 0; i < r->n_chains; i++) {
        struct chain *chain = &r->chains[i];
        const struct chain *other = like ? ruleset_chain(like, chain->name) : NULL;

        if (other && percent(c, c->likeness))
            take_rules(c, r, chain, other);
        else
            for (uint32_t j = below(c, RULES_MAX + 1); j > 0; j--)
                make_rule(c, r, chain);
        if (c->foreign && percent(c, 10)) {
            make_rule(c, r, chain);
            make_rule_foreign(r, chain, (uint32_t)i);
        }
        for (size_t j = 0; j < chain->n_rules; j++)
            chain->rules[j].handle = ++handle;
    }
}

/* Its strings may be those of `like`. */
static struct ruleset *random_ruleset(struct chance *c, const struct ruleset *like) {
    struct ruleset *r = ruleset_new();

    assert_non_null(r);
    r->exists = percent(c, 95);
    if (r->exists) {
        r->flags = percent(c, 50) ? 0 : c->foreign && percent(c, 60) ? TABLE_ORPHAN : TABLE_SEALED;
        r->owner = r->flags & TABLE_OWNER ? MODEL_OWNER : 0;
        if (c->foreign && !(r->flags & TABLE_OWNER) && percent(c, 10))
            r->flags |= TABLE_DORMANT;
        add_counters(c, r, like);
        add_chains(c, r, like);
        add_sets(c, r, like);
        add_rules(c, r, like);
    }
    assert_int_equal(ruleset_index(r), 0);
    return r;
}

static void show(const char *title, const struct ruleset *r) {
    char *text = ruleset_text(r);

    fprintf(stderr, "--- %s\n%s", title, text);
    free(text);
}

static bool has_foreign(const struct ruleset *r) {
    bool found = false;

    for (size_t i = 0; i < r->n_chains; i++) {
        found |= r->chains[i].foreign != NULL;
        for (size_t j = 0; j < r->chains[i].n_rules; j++)
            found |= r->chains[i].rules[j].foreign != NULL;
    }
    for (size_t i = 0; i < r->n_sets; i++)
        found |= r->sets[i].foreign || r->sets[i].is_anonymous;
    for (size_t i = 0; i < r->n_counters; i++)
        found |= r->counters[i].foreign != NULL;
    return found;
}

/* By the digest, too, which knows nothing of differences. */
static void assert_reaches(const struct ruleset *want, const struct ruleset *have,
                           const struct ruleset *then, const char *refusal) {
    char one[DIGEST_TEXT_SIZE] = "", two[DIGEST_TEXT_SIZE] = "";
    struct plan *rest = NULL;

    if (!refusal) {
        assert_int_equal(ruleset_diff(want, then, &rest), 0);
        assert_int_equal(ruleset_digest(want, one), 0);
        assert_int_equal(ruleset_digest(then, two), 0);
        if (plan_is_empty(rest) && strcmp(one, two) == 0 && want->flags == then->flags &&
            !has_foreign(then)) {
            plan_free(rest);
            return;
        }
        show("leads to", then);
    }
    show("want", want);
    show("have", have);
    fail_msg("%s", refusal ? refusal : "the plan leads elsewhere");
}

/* How often each operation was in a plan: none may be missing, or the pairs prove little. */
static void count_ops(const struct plan *p, size_t counts[static PLAN_OP_MAX],
                      size_t wheres[static PLAN_BEFORE + 1]) {
    for (size_t i = 0; i < p->n_ops; i++) {
        counts[p->ops[i].type]++;
        if (p->ops[i].type == PLAN_RULE_ADD)
            wheres[p->ops[i].where]++;
    }
}

static void test_any_to_any(void **state) {
    struct chance c = { .state = SEED };
    size_t counts[PLAN_OP_MAX] = { 0 }, wheres[PLAN_BEFORE + 1] = { 0 }, n_empty = 0;

    (void)state;
    print_message("seed %u, %u pairs\n", SEED, PAIRS);
    for (uint32_t i = 0; i < PAIRS; i++) {
        struct ruleset *want, *have, *then = NULL;
        struct plan *plan;
        const char *refusal;

        c.foreign = false;
        want = random_ruleset(&c, NULL);
        c.foreign = percent(&c, 50);
        c.likeness = 80 + below(&c, 21);
        have = random_ruleset(&c, percent(&c, 80) ? want : NULL);

        assert_int_equal(ruleset_diff(want, have, &plan), 0);
        count_ops(plan, counts, wheres);
        n_empty += plan_is_empty(plan);
        refusal = model_apply(have, plan, &then);
        assert_reaches(want, have, then, refusal);

        ruleset_free(then);
        plan_free(plan);
        ruleset_free(have);
        ruleset_free(want);
    }
    for (size_t i = 0; i < PLAN_OP_MAX; i++)
        if (counts[i] < PAIRS / 100)
            fail_msg("operation %zu was in %zu plans only", i, counts[i]);
    for (size_t i = 0; i < ARRAY_SIZE(wheres); i++)
        assert_true(wheres[i] > PAIRS / 100);
    print_message("%zu plans were empty\n", n_empty);
}

/* A ruleset is its own end: nothing to do, whatever is in it. */
static void test_any_to_itself(void **state) {
    struct chance c = { .state = SEED };

    (void)state;
    for (uint32_t i = 0; i < PAIRS / 4; i++) {
        struct ruleset *r = random_ruleset(&c, NULL);
        struct plan *plan;

        assert_int_equal(ruleset_diff(r, r, &plan), 0);
        assert_true(plan_is_empty(plan));
        plan_free(plan);
        ruleset_free(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_to_any),
        cmocka_unit_test(test_any_to_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
