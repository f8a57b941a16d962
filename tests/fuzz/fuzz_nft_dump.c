/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages to the parser. Whatever comes, it must not crash; and what is not foreign in
 * it must be emitted again, and be the same when it is parsed again. The corpus is real dumps:
 * tests/fuzz/make-nft-corpus. */
#include "nft/attr.h"
#include "nft/emit.h"
#include "nft/parse.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct ruleset *parse(const void *bytes, size_t size) {
    _cleanup_(parser_freep) struct parser *p = parser_new(PORTD_TABLE);
    const struct nlmsghdr *nlh = bytes;
    struct ruleset *r = NULL;
    int left = (int)size;

    assert(p);
    for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
        (void)parser_feed(p, nlh); /* broken messages leave what was before them */
    return parser_finish(p, &r) == 0 ? r : NULL;
}

static bool is_foreign(const struct ruleset *r) {
    for (size_t i = 0; i < r->n_chains; i++) {
        if (r->chains[i].foreign)
            return true;
        for (size_t j = 0; j < r->chains[i].n_rules; j++)
            if (r->chains[i].rules[j].foreign)
                return true;
    }
    for (size_t i = 0; i < r->n_sets; i++)
        if (r->sets[i].foreign)
            return true;
    for (size_t i = 0; i < r->n_counters; i++)
        if (r->counters[i].foreign)
            return true;
    return false;
}

static void emit(const struct ruleset *want, struct batch *b) {
    struct ruleset *nothing = ruleset_new();
    const struct plan_op *culprit;
    struct plan *plan;

    assert(nothing && ruleset_index(nothing) == 0);
    assert(ruleset_diff(want, nothing, &plan) == 0);
    batch_init(b, PORTD_TABLE, 1);
    assert(emit_plan(b, plan, 1, &culprit) == 0);
    plan_free(plan);
    ruleset_free(nothing);
}

/* Not by ruleset_diff(): for that a rule that refers to what isn't there is never equal. */
static void assert_same_chain(const struct chain *a, const struct chain *b) {
    assert(b && a->is_base == b->is_base && a->n_rules == b->n_rules);
    assert(!a->is_base || (a->hook == b->hook && a->priority == b->priority));
    assert(!a->is_base || a->policy == b->policy);
    for (size_t i = 0; i < a->n_rules; i++)
        assert(rule_equal(&a->rules[i], &b->rules[i]));
}

static void assert_same_set(const struct set *a, const struct set *b) {
    assert(b && a->type == b->type && a->is_interval == b->is_interval);
    assert(a->is_map == b->is_map && a->n_elements == b->n_elements);
    for (size_t i = 0; i < a->n_elements; i++)
        assert(element_equal(&a->elements[i], &b->elements[i], a));
}

static void assert_same(const struct ruleset *a, const struct ruleset *b) {
    assert(b && a->exists == b->exists && a->flags == b->flags);
    assert(a->n_chains == b->n_chains && a->n_sets == b->n_sets && a->n_counters == b->n_counters);
    for (size_t i = 0; i < a->n_chains; i++)
        assert_same_chain(&a->chains[i], ruleset_chain(b, a->chains[i].name));
    for (size_t i = 0; i < a->n_sets; i++)
        assert_same_set(&a->sets[i], ruleset_set(b, a->sets[i].name));
    for (size_t i = 0; i < a->n_counters; i++)
        assert(ruleset_counter(b, a->counters[i].name));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    void *copy = malloc(size); /* aligned, and exactly as long */
    struct ruleset *first = NULL, *second;
    struct batch b;

    if (copy && size) {
        memcpy(copy, bytes, size);
        first = parse(copy, size);
    }
    if (first && first->exists && !is_foreign(first)) {
        emit(first, &b);
        second = parse(b.bytes, b.n_bytes);
        assert_same(first, second);
        ruleset_free(second);
        batch_clear(&b);
    }
    ruleset_free(first);
    free(copy);
    return 0;
}
