/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the policy in audit mode: what would be denied there passes, is counted and logged as
 * such, and nothing else changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/audited.h"
#include "engine/explain.h"
#include "example.h"

#define SITE(audit)                                                                                \
    "{\"format\":1,\"site\":\"t\","                                                                \
    "\"products\":{\"host-baseline\":{\"features\":{\"ping\":false}}},"                            \
    "\"audit\":[" audit "],\"hosts\":{"                                                            \
    "\"lb\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.1\"]},"                       \
    "\"rest\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"10.0.0.2\"]}},"                  \
    "\"flows\":[{\"id\":\"backup\",\"from\":[\"10.7.0.1\"],\"to\":[\"all\"],"                      \
    "\"services\":[\"tcp/7000\",\"icmp/timestamp-request\",\"icmp/echo-request\"]},"               \
    "{\"id\":\"mine\",\"from\":[\"10.7.0.1\"],\"to\":[\"jtel-acd/ACD-REST\"],"                     \
    "\"services\":[\"tcp/7001\",\"tcp/7000\"]}]}"
#define STRANGER "198.51.100.7"

static struct ruleset *compiled(const char *site, const char *host) {
    struct loaded loaded = { 0 };
    struct ruleset *rules;

    example_load_text(site, &loaded);
    rules = example_compile(&loaded, host);
    loaded_clear(&loaded);
    return rules;
}

/* "pass", "would" (be denied) or "deny": a packet of a stranger, or to him. */
static const char *fate(const struct ruleset *rules, struct packet p) {
    struct decision d = ruleset_eval(rules, &p);

    if (!d.accepted)
        return "deny";
    return d.rule->comment && strcmp(d.rule->comment, "would be denied") == 0 ? "would" : "pass";
}

static const char *asks(const struct ruleset *rules, enum direction d, uint16_t port) {
    return fate(rules, example_packet(d, PROTOCOL_TCP, port, STRANGER));
}

static const struct fate_case {
    const char *site, *host;
    enum direction direction;
    uint16_t port;
    const char *fate;
} fates[] = {
    { SITE(""), "rest", DIRECTION_IN, 8091, "deny" },
    /* a flow */
    { SITE("\"jtel-acd/rest\""), "rest", DIRECTION_IN, 8091, "would" },
    { SITE("\"jtel-acd/flow:rest\""), "rest", DIRECTION_IN, 8091, "would" },
    { SITE("\"jtel-acd/rest\""), "rest", DIRECTION_IN, 22, "deny" },
    { SITE("\"jtel-acd/rest\""), "rest", DIRECTION_IN, 9, "deny" },
    { SITE("\"jtel-acd/rest\""), "lb", DIRECTION_IN, 8091, "deny" },
    { SITE("\"jtel-acd/rest\""), "lb", DIRECTION_OUT, 8091, "would" },
    /* a product */
    { SITE("\"jtel-acd\""), "rest", DIRECTION_IN, 8091, "would" },
    { SITE("\"jtel-acd\""), "lb", DIRECTION_OUT, 8091, "would" },
    { SITE("\"jtel-acd\""), "rest", DIRECTION_IN, 7000, "deny" },
    { SITE("\"host-baseline\""), "rest", DIRECTION_IN, 22, "would" }, /* nobody manages it yet */
    /* a role, on hosts that have it */
    { SITE("\"jtel-acd/ACD-REST\""), "rest", DIRECTION_IN, 8091, "would" },
    { SITE("\"jtel-acd/role:ACD-REST\""), "rest", DIRECTION_IN, 7001, "would" },
    { SITE("\"jtel-acd/ACD-REST\""), "rest", DIRECTION_OUT, 3306, "would" }, /* as internal */
    { SITE("\"jtel-acd/ACD-REST\""), "lb", DIRECTION_OUT, 8091, "deny" },
    { SITE("\"jtel-acd/ACD-LB\""), "rest", DIRECTION_IN, 8091, "deny" },
    { SITE("\"jtel-acd/flow:rest\""), "rest", DIRECTION_IN, 7001, "deny" },
    /* the site's own; of flows with one service, one is enough */
    { SITE("\"site/mine\""), "rest", DIRECTION_IN, 7000, "would" },
    { SITE("\"site/mine\""), "lb", DIRECTION_IN, 7000, "deny" },
    { SITE("\"site/backup\""), "lb", DIRECTION_IN, 7000, "would" },
};

static void test_fates(void **state) {
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(fates); i++) {
        const struct fate_case *f = &fates[i];
        _cleanup_(ruleset_freep) struct ruleset *rules = compiled(f->site, f->host);

        print_message("%s %s %u\n", f->host, direction_name(f->direction), f->port);
        assert_string_equal(asks(rules, f->direction, f->port), f->fate);
    }
}

/* Who was let in is answered, and the answer isn't counted again. */
static void test_answers(void **state) {
    _cleanup_(ruleset_freep) struct ruleset *rules = compiled(SITE("\"jtel-acd/rest\""), "rest");

    (void)state;
    assert_string_equal(fate(rules, example_answer(DIRECTION_IN, PROTOCOL_TCP, 8091, STRANGER)),
                        "pass");
    assert_string_equal(fate(rules, example_answer(DIRECTION_IN, PROTOCOL_TCP, 22, STRANGER)),
                        "deny");
}

static void test_types(void **state) {
    _cleanup_(ruleset_freep) struct ruleset *rules = compiled(SITE("\"site/backup\""), "lb");
    struct packet p = example_packet(DIRECTION_IN, PROTOCOL_ICMP, 0, STRANGER);

    (void)state;
    p.icmp_type = 13;
    assert_string_equal(fate(rules, p), "would");
    p.icmp_type = 15;
    assert_string_equal(fate(rules, p), "deny");
    p.icmp_type = 8;
    assert_string_equal(fate(rules, p), "would");
    p = example_answer(DIRECTION_IN, PROTOCOL_ICMP, 0, STRANGER);
    p.icmp_type = 0;
    assert_string_equal(fate(rules, p), "pass");
}

static size_t log_rules(const struct ruleset *rules, uint16_t group) {
    size_t n = 0;

    for (size_t i = 0; i < rules->n_chains; i++)
        for (size_t j = 0; j < rules->chains[i].n_rules; j++)
            for (size_t k = 0; k < rules->chains[i].rules[j].n_stmts; k++) {
                const struct stmt *s = &rules->chains[i].rules[j].stmts[k];

                n += s->type == STMT_LOG && s->log.group == group;
            }
    return n;
}

static void test_only_what_is_needed(void **state) {
    _cleanup_(ruleset_freep) struct ruleset *none = compiled(SITE(""), "rest");
    _cleanup_(ruleset_freep) struct ruleset *elsewhere =
        compiled(SITE("\"jtel-acd/ACD-LB\",\"therefore\""), "rest");
    _cleanup_(ruleset_freep) struct ruleset *some = compiled(SITE("\"jtel-acd/rest\""), "rest");
    char a[DIGEST_TEXT_SIZE], b[DIGEST_TEXT_SIZE], c[DIGEST_TEXT_SIZE];

    (void)state;
    ruleset_digest(none, a);
    ruleset_digest(elsewhere, b);
    ruleset_digest(some, c);
    assert_string_equal(a, b);
    assert_string_not_equal(a, c);
    assert_int_equal(log_rules(none, PORTD_LOG_GROUP_WOULD), 0);
    assert_int_equal(log_rules(some, PORTD_LOG_GROUP_WOULD), 1);
    assert_int_equal(log_rules(some, PORTD_LOG_GROUP), 2);
    assert_non_null(ruleset_counter(some, "audit/in"));
    assert_null(ruleset_counter(some, "audit/out"));
}

static void test_explain(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(intent_freep) struct intent *in = NULL;
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    _cleanup_(freep) char *why = NULL;
    struct query q;
    json_t *e;

    (void)state;
    example_load_text(SITE("\"jtel-acd/rest\""), &loaded);
    in = example_intent(&loaded, "rest");
    assert_int_equal(policy_compile(in, NULL, &rules), 0);
    loaded_clear(&loaded); /* nothing points into it */
    assert_int_equal(query_parse("in", "tcp/8091", STRANGER, &q, &why), 0);
    e = explain_json(in, rules, &q);
    assert_string_equal(json_string_value(json_object_get(e, "verdict")), "ACCEPT");
    assert_string_equal(json_string_value(json_object_get(e, "text")),
                        "tcp/8091 from " STRANGER
                        " passes only because jtel-acd/rest is in audit mode: no flow opens it");
    assert_int_equal(json_array_size(json_object_get(e, "near")), 1);
    json_decref(e);
}

static void test_warnings(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(intent_freep) struct intent *in = NULL;
    bool found = false;

    (void)state;
    example_load_text(SITE("\"site/mine\""), &loaded);
    in = example_intent(&loaded, "rest");
    for (size_t i = 0; i < in->n_warnings; i++) {
        const struct intent_warning *w = &in->warnings[i];

        if (strcmp(w->code, "part-audit") != 0)
            continue;
        found = true;
        assert_string_equal(w->text, "site/mine is in audit mode: at its services nothing is "
                                     "denied, which are services of site/backup");
    }
    assert_true(found);
    loaded_clear(&loaded);
}

static void test_forms(void **state) {
    static const char *const bad[] = { "",     "/",          "a/",       "/b",     "a/b/c",
                                       "9a",   "a/flow:",    "a/peer:b", "a b",    "a/b c",
                                       "a/-b", "a/flow:x:y", "flow:a",   "a/role:" };
    struct audited a;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_false(audited_parse(bad[i], &a));
    assert_true(audited_parse("jtel-acd/role:ACD-LB", &a));
    assert_int_equal(a.kind, AUDITED_ROLE);
    assert_string_equal(a.product, "jtel-acd");
    assert_string_equal(a.name, "ACD-LB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fates),   cmocka_unit_test(test_answers),
        cmocka_unit_test(test_types),   cmocka_unit_test(test_only_what_is_needed),
        cmocka_unit_test(test_explain), cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_forms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
