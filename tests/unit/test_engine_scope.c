/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/scope.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static void test_names(void **state) {
    struct scope s = { 0 }, other = { 0 };

    (void)state;
    assert_false(scope_has(&s, "in_1"));
    scope_add(&s, "in_1");
    scope_add(&s, "in_1");
    assert_int_equal(s.n_names, 1);
    assert_true(scope_has(&s, "in_1"));
    assert_false(scope_has(&s, "in_2"));
    scope_add(&other, "hosts_4");
    scope_merge(&s, &other);
    assert_true(scope_has(&s, "hosts_4"));
    assert_false(s.is_all);
    other.is_all = true;
    scope_merge(&s, &other);
    assert_true(scope_has(&s, "in_2"));
}

static void test_too_many_names(void **state) {
    char name[SCOPE_NAME_SIZE + 1] = "";
    struct scope s = { 0 };

    (void)state;
    for (unsigned i = 0; i <= SCOPE_NAMES_MAX; i++) {
        assert_false(s.is_all);
        snprintf(name, sizeof(name), "in_%u", i);
        scope_add(&s, name);
    }
    assert_true(s.is_all);
    s = (struct scope){ 0 };
    memset(name, 'n', SCOPE_NAME_SIZE);
    scope_add(&s, name);
    assert_true(s.is_all);
}

struct pair {
    struct rule rules[2];
    struct element elements[2];
    struct chain chain;
    struct set set;
    const struct chain *chains_by_name[1];
    const struct set *sets_by_name[1];
    struct ruleset rules_of;
};

/* One chain and one set with so many rules and elements. */
static void pair_init(struct pair *p, size_t n) {
    *p = (struct pair){
        .chain = { .name = "in_1", .rules = p->rules, .n_rules = n },
        .set = { .name = "hosts_4", .elements = p->elements, .n_elements = n },
        .chains_by_name = { &p->chain },
        .sets_by_name = { &p->set },
    };
    p->rules_of = (struct ruleset){
        .chains = &p->chain,
        .sets = &p->set,
        .n_chains = 1,
        .n_sets = 1,
        .chains_by_name = p->chains_by_name,
        .sets_by_name = p->sets_by_name,
    };
}

static void test_what_is_borrowed(void **state) {
    struct scope scope = { .n_names = 1, .names = { "hosts_4" } };
    struct pair want, have;

    (void)state;
    pair_init(&want, 2);
    pair_init(&have, 0);
    assert_true(scope_fill(&scope, &have.rules_of, &want.rules_of));
    assert_int_equal(have.chain.n_rules, 2);
    assert_ptr_equal(have.chain.rules, want.rules);
    assert_int_equal(have.set.n_elements, 0);

    pair_init(&have, 0);
    scope = (struct scope){ .n_names = 1, .names = { "in_1" } };
    assert_true(scope_fill(&scope, &have.rules_of, &want.rules_of));
    assert_int_equal(have.chain.n_rules, 0);
    assert_ptr_equal(have.set.elements, want.elements);
}

static void test_what_is_unknown(void **state) {
    const struct scope nowhere = { 0 };
    struct pair want, have;

    (void)state;
    pair_init(&want, 2);
    pair_init(&have, 0);
    have.chain.name = "in_2";
    assert_false(scope_fill(&nowhere, &have.rules_of, &want.rules_of));
    pair_init(&have, 0);
    have.set.type = SET_IPV6;
    assert_false(scope_fill(&nowhere, &have.rules_of, &want.rules_of));
    pair_init(&have, 0);
    have.chain.foreign = "chain of type nat";
    assert_false(scope_fill(&nowhere, &have.rules_of, &want.rules_of));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_too_many_names),
        cmocka_unit_test(test_what_is_borrowed),
        cmocka_unit_test(test_what_is_unknown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
