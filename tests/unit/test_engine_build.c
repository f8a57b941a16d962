/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/build.h"

#include <errno.h>

static struct element address(const char *text) {
    struct element e = { 0 };
    enum family f;

    assert_int_equal(prefix_parse(text, &f, &e.range), 0);
    return e;
}

static void test_a_set_with_a_prefix_is_of_intervals(void **state) {
    struct build b = { .ruleset = ruleset_new() };

    (void)state;
    build_set(&b, "hosts", SET_IPV4, false);
    build_element(&b, address("10.0.0.1"));
    build_set(&b, "mixed", SET_IPV4, false);
    build_element(&b, address("10.0.0.1"));
    build_element(&b, address("10.1.0.0/16"));
    build_element(&b, address("10.2.0.1"));
    assert_true(build_has_set(&b, "hosts"));
    assert_false(build_has_set(&b, "host"));
    assert_int_equal(build_finish(&b), 0);
    assert_false(ruleset_set(b.ruleset, "hosts")->is_interval);
    assert_true(ruleset_set(b.ruleset, "mixed")->is_interval);
    assert_int_equal(ruleset_set(b.ruleset, "mixed")->n_elements, 3);
    ruleset_free(b.ruleset);
}

static void test_elements_are_sorted_by_key(void **state) {
    struct build b = { .ruleset = ruleset_new() };
    const struct set *s;

    (void)state;
    build_set(&b, "s", SET_IPV4, false);
    build_element(&b, address("10.0.0.10"));
    build_element(&b, address("9.0.0.1"));
    build_element(&b, address("10.0.0.9"));
    assert_int_equal(build_finish(&b), 0);
    s = ruleset_set(b.ruleset, "s");
    assert_int_equal(s->elements[0].range.lo.bytes[0], 9);
    assert_int_equal(s->elements[1].range.lo.bytes[3], 9);
    assert_int_equal(s->elements[2].range.lo.bytes[3], 10);
    ruleset_free(b.ruleset);
}

/* Many rules count in one counter; each says so. */
static void test_a_counter_is_made_once(void **state) {
    struct build b = { .ruleset = ruleset_new() };
    const struct chain *c;

    (void)state;
    build_chain(&b, "c");
    for (int i = 0; i < 3; i++) {
        build_rule(&b, "r");
        build_counter(&b, i == 1 ? "two" : "one");
        build_verdict(&b, VERDICT_ACCEPT, NULL);
    }
    assert_int_equal(build_finish(&b), 0);
    assert_int_equal(b.ruleset->n_counters, 2);
    c = ruleset_chain(b.ruleset, "c");
    assert_int_equal(c->n_rules, 3);
    assert_string_equal(c->rules[2].stmts[0].counter, "one");
    ruleset_free(b.ruleset);
}

/* The names that went in may be gone or changed afterwards. */
static void test_strings_are_copied(void **state) {
    struct build b = { .ruleset = ruleset_new() };
    char name[] = "name", to[] = "to", set[] = "set", comment[] = "comment";
    const struct rule *r;

    (void)state;
    build_chain(&b, to);
    build_chain(&b, name);
    build_rule(&b, comment);
    build_stmt(&b,
               (struct stmt){ .type = STMT_ADDRESS, .address = { FAMILY_IPV4, SIDE_SOURCE, set } });
    build_verdict(&b, VERDICT_GOTO, to);
    build_set(&b, set, SET_SERVICE, true);
    build_element(&b, (struct element){ .verdict = VERDICT_GOTO, .chain = to });
    name[0] = to[0] = set[0] = comment[0] = 'X';
    assert_int_equal(build_finish(&b), 0);
    r = &ruleset_chain(b.ruleset, "name")->rules[0];
    assert_string_equal(r->comment, "comment");
    assert_string_equal(r->stmts[0].address.set, "set");
    assert_string_equal(r->stmts[1].verdict.chain, "to");
    assert_string_equal(ruleset_set(b.ruleset, "set")->elements[0].chain, "to");
    ruleset_free(b.ruleset);
}

static void test_twice_is_a_mistake(void **state) {
    struct build chains = { .ruleset = ruleset_new() }, sets = { .ruleset = ruleset_new() };
    struct build elements = { .ruleset = ruleset_new() };

    (void)state;
    build_chain(&chains, "c");
    build_base_chain(&chains, "c", HOOK_INPUT, CHAIN_DROP);
    assert_int_equal(build_finish(&chains), -EEXIST);

    build_set(&sets, "s", SET_IPV4, false);
    build_set(&sets, "s", SET_IPV6, false);
    assert_int_equal(build_finish(&sets), -EEXIST);

    build_set(&elements, "s", SET_IPV4, false);
    build_element(&elements, address("10.0.0.1"));
    build_element(&elements, address("10.0.0.1"));
    assert_int_equal(build_finish(&elements), -EEXIST);

    ruleset_free(chains.ruleset);
    ruleset_free(sets.ruleset);
    ruleset_free(elements.ruleset);
}

/* The first error sticks, and nothing is built behind it. */
static void test_an_error_sticks(void **state) {
    struct build b = { .ruleset = ruleset_new(), .error = -ENOMEM };

    (void)state;
    build_base_chain(&b, "b", HOOK_INPUT, CHAIN_DROP);
    build_chain(&b, "c");
    build_rule(&b, "r");
    build_counter(&b, "n");
    build_verdict(&b, VERDICT_DROP, NULL);
    build_set(&b, "s", SET_IPV4, false);
    build_element(&b, address("10.0.0.1"));
    assert_true(build_has_set(&b, "s")); /* so that nobody fills one that isn't there */
    assert_int_equal(build_finish(&b), -ENOMEM);
    assert_int_equal(b.ruleset->n_chains + b.ruleset->n_sets + b.ruleset->n_counters, 0);
    ruleset_free(b.ruleset);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_set_with_a_prefix_is_of_intervals),
        cmocka_unit_test(test_elements_are_sorted_by_key),
        cmocka_unit_test(test_a_counter_is_made_once),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_twice_is_a_mistake),
        cmocka_unit_test(test_an_error_sticks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
