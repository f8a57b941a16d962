/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each difference by itself: the operations that it takes, in their order, spelled out. What
 * every plan must achieve together is test_engine_plan_random.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/build.h"
#include "engine/text.h"

#include "plan_model.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const op_words[] = {
    [PLAN_TABLE_DELETE] = "delete-table",   [PLAN_TABLE_ADD] = "add-table",
    [PLAN_TABLE_CLAIM] = "claim-table",     [PLAN_TABLE_FLAGS] = "set-flags",
    [PLAN_CHAIN_FLUSH] = "flush",           [PLAN_RULE_DELETE] = "delete-rule",
    [PLAN_ELEMENTS_DELETE] = "delete-from", [PLAN_SET_DELETE] = "delete-set",
    [PLAN_CHAIN_DELETE] = "delete-chain",   [PLAN_COUNTER_DELETE] = "delete-counter",
    [PLAN_CHAIN_ADD] = "add-chain",         [PLAN_CHAIN_POLICY] = "set-policy",
    [PLAN_COUNTER_ADD] = "add-counter",     [PLAN_SET_ADD] = "add-set",
    [PLAN_ELEMENTS_ADD] = "add-to",         [PLAN_RULE_ADD] = "add-rule",
};
static_assert(ARRAY_SIZE(op_words) == PLAN_OP_MAX, "an operation has no word");

static void write_op(FILE *f, const struct plan_op *op) {
    static const char *const wheres[] = {
        [PLAN_APPEND] = "", [PLAN_AFTER] = " after ", [PLAN_BEFORE] = " before "
    };

    fputs(op_words[op->type], f);
    if (plan_op_subject(op))
        fprintf(f, " %s", plan_op_subject(op));
    if (op->rule)
        fprintf(f, " in %s%s", op->chain->name, wheres[op->where]);
    if (op->position)
        fprintf(f, "%" PRIu64, op->position);
    for (size_t i = 0; i < op->n_elements; i++) {
        char *text = element_text(op->elements[i], op->set);

        fprintf(f, "%s%s", i ? ", " : ": ", text);
        free(text);
    }
    fputc('\n', f);
}

static char *plan_words(const struct plan *p) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    for (size_t i = 0; i < p->n_ops; i++) {
        if (p->n_first && i == p->n_first)
            fputs("then\n", f);
        write_op(f, &p->ops[i]);
    }
    assert_int_equal(fclose(f), 0);
    return text;
}

/* The plan reads so, and leads there. Frees both. */
static void assert_plan(struct ruleset *want, struct ruleset *have, const char *expected) {
    struct ruleset *then = NULL;
    struct plan *plan, *rest;
    const char *refusal;
    char *words;

    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    words = plan_words(plan);
    assert_string_equal(words, expected);
    assert_int_equal(plan_is_empty(plan), expected[0] == '\0');
    refusal = model_apply(have, plan, &then);
    if (refusal)
        fail_msg("%s:\n%s", refusal, words);
    assert_int_equal(ruleset_diff(want, then, &rest), 0);
    assert_true(plan_is_empty(rest));
    free(words);
    plan_free(rest);
    ruleset_free(then);
    plan_free(plan);
    ruleset_free(want);
    ruleset_free(have);
}

static struct element address(const char *text) {
    struct element e = { 0 };
    enum family f;

    assert_int_equal(prefix_parse(text, &f, &e.range), 0);
    return e;
}

static struct element service(uint16_t port, enum verdict v, const char *chain) {
    return (struct element){ .service = { PROTOCOL_TCP, port }, .verdict = v, .chain = chain };
}

static void address_rule(struct build *b, const char *comment, const char *set) {
    build_rule(b, comment);
    build_stmt(b,
               (struct stmt){ .type = STMT_ADDRESS, .address = { FAMILY_IPV4, SIDE_SOURCE, set } });
    build_verdict(b, VERDICT_ACCEPT, NULL);
}

static void plain_rule(struct build *b, const char *comment) {
    build_rule(b, comment);
    build_verdict(b, VERDICT_ACCEPT, NULL);
}

/* One of everything. */
static void build_table(struct build *b) {
    build_base_chain(b, "input", HOOK_INPUT, CHAIN_DROP);
    build_rule(b, "by port");
    build_stmt(b, (struct stmt){ .type = STMT_VMAP, .vmap = { SIDE_DESTINATION, "services" } });
    build_rule(b, "rest");
    build_verdict(b, VERDICT_GOTO, "deny");
    build_chain(b, "ssh");
    address_rule(b, "ssh", "peers");
    build_rule(b, "ssh-rest");
    build_verdict(b, VERDICT_GOTO, "deny");
    build_chain(b, "deny");
    build_rule(b, "denied");
    build_counter(b, "denied");
    build_verdict(b, VERDICT_DROP, NULL);
    build_set(b, "services", SET_SERVICE, true);
    build_element(b, service(22, VERDICT_GOTO, "ssh"));
    build_element(b, service(80, VERDICT_ACCEPT, NULL));
    build_set(b, "peers", SET_IPV4, false);
    build_element(b, address("10.0.0.1"));
    build_element(b, address("10.0.0.2"));
}

/* As if read from a kernel: the rules of the first chain have the handles 101, 102, …, those of
 * the second 201, … */
static struct ruleset *finish(struct build *b) {
    assert_int_equal(build_finish(b), 0);
    b->ruleset->exists = true;
    for (size_t i = 0; i < b->ruleset->n_chains; i++)
        for (size_t j = 0; j < b->ruleset->chains[i].n_rules; j++)
            b->ruleset->chains[i].rules[j].handle = 100 * (i + 1) + j + 1;
    return b->ruleset;
}

static struct ruleset *table(void) {
    struct build b = { .ruleset = ruleset_new() };

    build_table(&b);
    return finish(&b);
}

static struct ruleset *nothing(void) {
    struct build b = { .ruleset = ruleset_new() };
    struct ruleset *r = finish(&b);

    r->exists = false;
    return r;
}

static struct chain *chain_of(struct ruleset *r, const char *name) {
    struct chain *c = MODEL_FIND(r->chains, r->n_chains, name);

    assert_non_null(c);
    return c;
}

static struct set *set_of(struct ruleset *r, const char *name) {
    struct set *s = MODEL_FIND(r->sets, r->n_sets, name);

    assert_non_null(s);
    return s;
}

static void test_equal_is_no_plan(void **state) {
    struct ruleset *have = table();
    struct chain first = have->chains[0];

    (void)state;
    have->chains[0] = have->chains[2];
    have->chains[2] = first;
    have->counters[0].packets = 7;
    have->counters[0].bytes = 700;
    assert_int_equal(ruleset_index(have), 0);
    assert_plan(table(), have, "");
    assert_plan(nothing(), nothing(), "");
}

static void test_the_whole_table(void **state) {
    (void)state;
    assert_plan(table(), nothing(),
                "add-table\n"
                "add-counter denied\n"
                "add-chain ssh\n"
                "add-chain deny\n"
                "add-set services\n"
                "add-set peers\n"
                "add-to services: tcp . 22 : goto ssh, tcp . 80 : accept\n"
                "add-to peers: 10.0.0.1, 10.0.0.2\n"
                "add-rule ssh in ssh\n"
                "add-rule ssh-rest in ssh\n"
                "add-rule denied in deny\n"
                "then\n"
                "add-chain input\n"
                "add-rule by port in input\n"
                "add-rule rest in input\n");
    assert_plan(nothing(), table(),
                "flush input\n"
                "delete-chain input\n"
                "then\n"
                "delete-table\n");
}

static const char *first_words(uint32_t want_flags, uint32_t have_flags, uint32_t owner) {
    static char text[64];
    struct ruleset *want = table(), *have = table();
    struct plan *plan;

    want->flags = want_flags;
    want->owner = 7;
    have->flags = have_flags;
    have->owner = owner;
    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    text[0] = '\0';
    for (size_t i = 0; i < plan->n_ops && i < 2; i++) {
        strcat(text, op_words[plan->ops[i].type]);
        strcat(text, " ");
    }
    plan_free(plan);
    ruleset_free(want);
    ruleset_free(have);
    return text;
}

/* What the kernel can't change it gets anew: any other step it would refuse. */
static void test_seal(void **state) {
    const uint32_t plain = 0, orphan = TABLE_ORPHAN, sealed = TABLE_SEALED;

    (void)state;
    assert_string_equal(first_words(sealed, sealed, 7), "");
    assert_string_equal(first_words(sealed, sealed, 8), "claim-table ");
    assert_string_equal(first_words(sealed, orphan, 0), "claim-table ");
    assert_string_equal(first_words(sealed, plain, 0), "delete-table add-table ");
    assert_string_equal(first_words(sealed, TABLE_OWNER, 7), "delete-table add-table ");
    assert_string_equal(first_words(sealed, orphan | TABLE_DORMANT, 0), "delete-table add-table ");
    assert_string_equal(first_words(orphan, orphan, 0), "");
    assert_string_equal(first_words(orphan, sealed, 7), "delete-table add-table ");
    assert_string_equal(first_words(plain, plain, 0), "");
    assert_string_equal(first_words(plain, orphan, 0), "delete-table add-table ");
    assert_string_equal(first_words(plain, sealed, 7), "delete-table add-table ");
}

static void test_dormant(void **state) {
    struct ruleset *have = table();

    (void)state;
    have->flags = TABLE_DORMANT;
    assert_plan(table(), have, "set-flags\n");
}

static void test_base_chain_changed(void **state) {
    static const char remade[] = "flush input\n"
                                 "delete-chain input\n"
                                 "add-chain input\n"
                                 "add-rule by port in input\n"
                                 "add-rule rest in input\n";
    struct ruleset *have = table();

    (void)state;
    chain_of(have, "input")->policy = CHAIN_ACCEPT;
    assert_plan(table(), have, "set-policy input\n");

    have = table();
    chain_of(have, "input")->priority = 0;
    assert_plan(table(), have, remade);

    have = table();
    chain_of(have, "input")->hook = HOOK_OUTPUT;
    assert_plan(table(), have, remade);

    have = table();
    chain_of(have, "input")->foreign = "type route";
    assert_plan(table(), have, remade);
}

/* A rule keeps the chain, not its name: whoever leads to a chain made anew is made anew. */
static void test_chain_made_anew(void **state) {
    struct ruleset *have = table();

    (void)state;
    chain_of(have, "ssh")->is_base = true;
    assert_plan(table(), have,
                "flush ssh\n"
                "delete-from services: tcp . 22 : goto ssh\n"
                "delete-chain ssh\n"
                "add-chain ssh\n"
                "add-to services: tcp . 22 : goto ssh\n"
                "add-rule ssh in ssh\n"
                "add-rule ssh-rest in ssh\n");

    have = table();
    chain_of(have, "deny")->is_base = true;
    assert_plan(table(), have,
                "delete-rule rest in input\n"
                "delete-rule ssh-rest in ssh\n"
                "flush deny\n"
                "delete-chain deny\n"
                "add-chain deny\n"
                "add-rule rest in input\n"
                "add-rule ssh-rest in ssh\n"
                "add-rule denied in deny\n");
}

static void test_set_made_anew(void **state) {
    static const char peers_remade[] = "delete-rule ssh in ssh\n"
                                       "delete-set peers\n"
                                       "add-set peers\n"
                                       "add-to peers: 10.0.0.1, 10.0.0.2\n"
                                       "add-rule ssh in ssh before 202\n";
    struct ruleset *have = table();

    (void)state;
    set_of(have, "peers")->is_interval = true;
    assert_plan(table(), have, peers_remade);

    have = table();
    set_of(have, "peers")->type = SET_IPV6;
    assert_plan(table(), have, peers_remade);

    have = table();
    set_of(have, "peers")->foreign = "timeout";
    assert_plan(table(), have, peers_remade);

    have = table();
    set_of(have, "services")->is_map = false;
    assert_plan(table(), have,
                "delete-rule by port in input\n"
                "delete-set services\n"
                "add-set services\n"
                "add-to services: tcp . 22 : goto ssh, tcp . 80 : accept\n"
                "add-rule by port in input before 102\n");
}

static void test_elements(void **state) {
    struct ruleset *have = table();

    (void)state;
    set_of(have, "peers")->elements[1] = address("10.0.0.9");
    assert_plan(table(), have, "delete-from peers: 10.0.0.9\nadd-to peers: 10.0.0.2\n");

    have = table();
    set_of(have, "peers")->n_elements = 0;
    assert_plan(table(), have, "add-to peers: 10.0.0.1, 10.0.0.2\n");

    have = table();
    set_of(have, "services")->elements[1].verdict = VERDICT_DROP;
    assert_plan(table(), have,
                "delete-from services: tcp . 80 : drop\nadd-to services: tcp . 80 : accept\n");

    have = table();
    set_of(have, "services")->elements[0].chain = "deny";
    assert_plan(table(), have,
                "delete-from services: tcp . 22 : goto deny\n"
                "add-to services: tcp . 22 : goto ssh\n");
}

/* Same beginning, another end: the range differs. */
static void test_elements_of_intervals(void **state) {
    struct ruleset *want = table(), *have = table();

    (void)state;
    set_of(want, "peers")->is_interval = set_of(have, "peers")->is_interval = true;
    set_of(want, "peers")->elements[1] = address("10.0.0.8/29");
    set_of(have, "peers")->elements[1] = address("10.0.0.8/30");
    assert_plan(want, have, "delete-from peers: 10.0.0.8/30\nadd-to peers: 10.0.0.8/29\n");
}

static void test_foreign_objects(void **state) {
    struct build b = { .ruleset = ruleset_new() };
    struct counter *c;

    (void)state;
    build_table(&b);
    build_chain(&b, "evil");
    plain_rule(&b, "evil");
    build_base_chain(&b, "evil_base", HOOK_INPUT, CHAIN_ACCEPT);
    build_set(&b, "evil_set", SET_SERVICE, true);
    build_element(&b, service(23, VERDICT_GOTO, "evil"));
    c = ARENA_APPEND(b.ruleset->arena, b.ruleset->counters, b.ruleset->n_counters);
    c->name = "evil_counter";
    c = ARENA_APPEND(b.ruleset->arena, b.ruleset->counters, b.ruleset->n_counters);
    c->name = "evil_quota";
    c->foreign = "quota";
    c->foreign_type = 2;
    assert_plan(table(), finish(&b),
                "flush evil\n"
                "delete-set evil_set\n"
                "delete-chain evil\n"
                "delete-chain evil_base\n"
                "delete-counter evil_counter\n"
                "delete-counter evil_quota\n");
}

/* An object of another kind may have the name of our counter, beside it or in its place. */
static void test_foreign_object_of_our_name(void **state) {
    struct ruleset *have;
    struct counter *c;

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct build b = { .ruleset = ruleset_new() };

        if (i == 0) {
            c = ARENA_APPEND(b.ruleset->arena, b.ruleset->counters, b.ruleset->n_counters);
            *c = (struct counter){ .name = "denied", .foreign = "quota", .foreign_type = 2 };
        }
        build_table(&b);
        if (i == 0) /* build_counter() took the quota for a counter */
            *ARENA_APPEND(b.ruleset->arena, b.ruleset->counters, b.ruleset->n_counters) =
                (struct counter){ .name = "denied" };
        else
            *ARENA_APPEND(b.ruleset->arena, b.ruleset->counters, b.ruleset->n_counters) =
                (struct counter){ .name = "denied", .foreign = "quota", .foreign_type = 2 };
        assert_plan(table(), finish(&b), "delete-counter denied\n");
    }

    have = table();
    have->counters[0].foreign = "quota";
    have->counters[0].foreign_type = 2;
    chain_of(have, "deny")->n_rules = 0;
    assert_plan(table(), have,
                "delete-counter denied\nadd-counter denied\nadd-rule denied in deny\n");
}

/* An anonymous set goes with its rule, and can't be deleted by itself. */
static void test_anonymous_set(void **state) {
    struct build b = { .ruleset = ruleset_new() };

    (void)state;
    build_table(&b);
    build_set(&b, "__set0", SET_IPV4, false);
    build_element(&b, address("192.0.2.1"));
    b.ruleset->sets[b.ruleset->n_sets - 1].is_anonymous = true;
    plain_rule(&b, "evil");
    chain_of(b.ruleset, "deny")->rules[1].foreign = "__set0";
    assert_plan(table(), finish(&b), "delete-rule evil in deny\n");
}

/* A chain of rules named by the letters of `rules`. */
static struct ruleset *letters(const char *rules) {
    struct build b = { .ruleset = ruleset_new() };

    build_chain(&b, "c");
    for (const char *p = rules; *p; p++)
        plain_rule(&b, (const char[]){ *p, '\0' });
    return finish(&b);
}

static void test_rules_in_order(void **state) {
    static const struct {
        const char *want, *have, *plan;
    } cases[] = {
        { "abc", "abc", "" },
        { "", "abc", "flush c\n" },
        { "abc", "", "add-rule a in c\nadd-rule b in c\nadd-rule c in c\n" },
        { "abc", "xyz", "flush c\nadd-rule a in c\nadd-rule b in c\nadd-rule c in c\n" },
        /* in the middle: behind the head, the last first */
        { "abc", "ac", "add-rule b in c after 101\n" },
        { "abcde", "ae",
          "add-rule d in c after 101\nadd-rule c in c after 101\nadd-rule b in c after 101\n" },
        { "abcd", "axxd",
          "delete-rule x in c\ndelete-rule x in c\n"
          "add-rule c in c after 101\nadd-rule b in c after 101\n" },
        { "abcd", "acbd",
          "delete-rule c in c\ndelete-rule b in c\n"
          "add-rule c in c after 101\nadd-rule b in c after 101\n" },
        /* before the first: in order before the tail */
        { "abc", "c", "add-rule a in c before 101\nadd-rule b in c before 101\n" },
        { "abc", "xc",
          "delete-rule x in c\nadd-rule a in c before 102\nadd-rule b in c before 102\n" },
        { "abcd", "cd", "add-rule a in c before 101\nadd-rule b in c before 101\n" },
        /* behind the last */
        { "abc", "a", "add-rule b in c\nadd-rule c in c\n" },
        { "abc", "abx", "delete-rule x in c\nadd-rule c in c\n" },
        /* too much */
        { "ac", "abc", "delete-rule b in c\n" },
        { "bc", "abc", "delete-rule a in c\n" },
        { "ab", "abc", "delete-rule c in c\n" },
        /* equal rules, of which head and tail may not count one twice */
        { "aa", "aaa", "delete-rule a in c\n" },
        { "aaa", "aa", "add-rule a in c\n" },
        { "aba", "aa", "add-rule b in c after 101\n" },
        { "aa", "aba", "delete-rule b in c\n" },
        /* moved */
        { "ba", "ab", "flush c\nadd-rule b in c\nadd-rule a in c\n" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_plan(letters(cases[i].want), letters(cases[i].have), cases[i].plan);
}

static void test_rules_that_differ(void **state) {
    struct ruleset *have = letters("abc");

    (void)state;
    have->chains[0].rules[1].foreign = "meta; cmp";
    assert_plan(letters("abc"), have, "delete-rule b in c\nadd-rule b in c after 101\n");

    have = letters("abc");
    have->chains[0].rules[1].stmts[0].verdict.verdict = VERDICT_DROP;
    assert_plan(letters("abc"), have, "delete-rule b in c\nadd-rule b in c after 101\n");

    have = letters("abc");
    have->chains[0].rules[1].comment = NULL;
    assert_plan(letters("abc"), have, "delete-rule c in c\nadd-rule b in c after 101\n");
}

static void test_lines(void **state) {
    struct ruleset *want = letters("abc"), *have = letters("ac");
    struct plan *plan;
    char **lines;
    size_t n;

    (void)state;
    assert_int_equal(ruleset_diff(want, have, &plan), 0);
    lines = plan_lines(plan, true, &n);
    assert_int_equal(n, 1);
    assert_string_equal(lines[0], "rule \"b\" deleted from c: accept");
    assert_null(lines[1]);
    lines_free(lines);
    lines = plan_lines(plan, false, &n);
    assert_string_equal(lines[0], "add rule \"b\" to c: accept");
    lines_free(lines);
    plan_free(plan);
    ruleset_free(want);
    ruleset_free(have);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_is_no_plan),
        cmocka_unit_test(test_the_whole_table),
        cmocka_unit_test(test_seal),
        cmocka_unit_test(test_dormant),
        cmocka_unit_test(test_base_chain_changed),
        cmocka_unit_test(test_chain_made_anew),
        cmocka_unit_test(test_set_made_anew),
        cmocka_unit_test(test_elements),
        cmocka_unit_test(test_elements_of_intervals),
        cmocka_unit_test(test_foreign_objects),
        cmocka_unit_test(test_foreign_object_of_our_name),
        cmocka_unit_test(test_anonymous_set),
        cmocka_unit_test(test_rules_in_order),
        cmocka_unit_test(test_rules_that_differ),
        cmocka_unit_test(test_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
