/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Peers known by name, and ports that only the site knows, from the files to verdicts. */
#include "engine/explain.h"
#include "engine/plan.h"

#include "loading.h"

#include "example.h"

#include <time.h>

static const char policy_text[] =
    "{'format':1,'product':'p','title':'t','roles':{'A':{},'B':{}},"
    "'peers':{'named':{'hostnames':['b.example','a.example']},"
    "'strict':{'hostnames':['a.example'],'hostnames_only':true},'open':{}},"
    "'ports':{'t':{}},'flows':["
    "{'id':'out','from':['A'],'to':['named'],'services':['tcp/443'],'title':'t','ref':'r'},"
    "{'id':'in','from':['open'],'to':['A'],'services':['tcp/22'],'title':'t','ref':'r'},"
    "{'id':'strict','from':['B'],'to':['strict'],'services':['tcp/80'],'title':'t','ref':'r'},"
    "{'id':'unnamed','from':['any'],'to':['A'],'services':['tcp/$t','udp/9'],'title':'t','ref':'r'"
    "}]}";

struct sample {
    struct policy *policy;
    struct site *site;
    struct intent *intent;
};

/* `product` is what the site says of the product. */
static void sample_open(struct sample *c, const char *product, const char *host) {
    _cleanup_(freep) char *policy = json_text(policy_text), *quoted = NULL, *site = NULL;
    struct source source = { "p.json", policy, strlen(policy) };
    struct report report = REPORT_INIT;

    assert_true(asprintf(&quoted,
                         "{'format':1,'site':'s','products':{'p':{%s}},'hosts':{"
                         "'x':{'roles':['p/A'],'addresses':['10.0.0.1']},"
                         "'y':{'roles':['p/B'],'addresses':['10.0.0.2']}}}",
                         product) > 0);
    site = json_text(quoted);
    *c = (struct sample){ 0 };
    assert_int_equal(policy_load(&source, &c->policy, &report), 0);
    source = (struct source){ "site.json", site, strlen(site) };
    assert_int_equal(site_load(&source, 1, &c->site, &report), 0);
    assert_int_equal(site_check(c->site, (const struct policy *const *)&c->policy, 1, &report), 0);
    assert_int_equal(intent_resolve((const struct policy *const *)&c->policy, 1, c->site, &host, 1,
                                    &c->intent, &report),
                     0);
}

static void sample_close(struct sample *c) {
    intent_free(c->intent);
    site_free(c->site);
    policy_free(c->policy);
}

/* `names` know that a.example is 203.0.113.1, and b.example that and 2001:db8::1. */
static void names_fill(struct resolved *names) {
    static const char *const wanted[] = { "a.example", "b.example" };
    static const char *const answers[] = {
        "{'name':'a.example','ipv4':{'addresses':['203.0.113.1'],'ttl':1},'ipv6':{'addresses':[],"
        "'ttl':1}}",
        "{'name':'b.example','ipv4':{'addresses':['203.0.113.1'],'ttl':1},'ipv6':{'addresses':["
        "'2001:db8::1'],'ttl':1}}",
    };

    assert_int_equal(resolved_need(names, wanted, 2), 1);
    for (size_t i = 0; i < 2; i++) {
        _cleanup_(freep) char *text = json_text(answers[i]);
        json_t *o = json_loads(text, 0, NULL);
        struct resolution answer;
        char *why;

        assert_int_equal(resolution_parse(o, &answer, &why), 0);
        assert_int_equal(resolved_take(names, &answer, 1), 1);
        json_decref(o);
    }
}

static bool accepts(const struct ruleset *rules, enum direction d, uint8_t protocol, uint16_t port,
                    const char *other) {
    struct packet p = example_packet(d, protocol, port, other);

    return ruleset_eval(rules, &p).accepted;
}

static void test_a_name_opens_its_addresses(_unused_ void **state) {
    struct resolved names = { 0 };
    struct ruleset *closed, *open;
    struct plan *plan;
    struct sample c;

    sample_open(&c, "", "x");
    names_fill(&names);
    assert_int_equal(c.intent->n_hostnames, 2);
    assert_string_equal(c.intent->hostnames[0], "a.example");
    assert_int_equal(policy_compile(c.intent, NULL, &closed), 0);
    assert_int_equal(policy_compile(c.intent, &names, &open), 0);
    assert_int_equal(ruleset_set(closed, "p_named_dns_4")->n_elements, 0);
    assert_int_equal(ruleset_set(open, "p_named_dns_4")->n_elements, 1); /* two names have it */
    assert_int_equal(ruleset_set(open, "p_named_dns_6")->n_elements, 1);

    assert_false(accepts(closed, DIRECTION_OUT, PROTOCOL_TCP, 443, "203.0.113.1"));
    assert_true(accepts(open, DIRECTION_OUT, PROTOCOL_TCP, 443, "203.0.113.1"));
    assert_true(accepts(open, DIRECTION_OUT, PROTOCOL_TCP, 443, "2001:db8::1"));
    assert_false(accepts(open, DIRECTION_OUT, PROTOCOL_TCP, 443, "203.0.113.2"));

    /* another answer changes elements alone */
    assert_int_equal(ruleset_diff(open, closed, &plan), 0);
    assert_int_equal(plan->n_ops, 2);
    for (size_t i = 0; i < plan->n_ops; i++)
        assert_int_equal(plan->ops[i].type, PLAN_ELEMENTS_ADD);
    plan_free(plan);
    ruleset_free(open);
    ruleset_free(closed);
    resolved_clear(&names);
    sample_close(&c);
}

static void test_a_host_needs_its_own_names_alone(_unused_ void **state) {
    struct sample c;

    sample_open(&c, "", "y");
    assert_int_equal(c.intent->n_hostnames, 1);
    assert_string_equal(c.intent->hostnames[0], "a.example");
    sample_close(&c);
    sample_open(&c, "'peers':{'strict':[]}", "y");
    assert_int_equal(c.intent->n_hostnames, 0);
    sample_close(&c);
}

static void test_a_binding_mixes_addresses_and_names(_unused_ void **state) {
    struct resolved names = { 0 };
    struct ruleset *rules;
    struct sample c;

    sample_open(&c, "'peers':{'open':['192.0.2.0/24','b.example']}", "x");
    names_fill(&names);
    assert_int_equal(policy_compile(c.intent, &names, &rules), 0);
    assert_true(ruleset_set(rules, "p_open_4")->is_interval);
    assert_false(ruleset_set(rules, "p_open_dns_4")->is_interval);
    assert_true(accepts(rules, DIRECTION_IN, PROTOCOL_TCP, 22, "192.0.2.7"));
    assert_true(accepts(rules, DIRECTION_IN, PROTOCOL_TCP, 22, "203.0.113.1"));
    assert_true(accepts(rules, DIRECTION_IN, PROTOCOL_TCP, 22, "2001:db8::1"));
    assert_false(accepts(rules, DIRECTION_IN, PROTOCOL_TCP, 22, "203.0.113.2"));
    ruleset_free(rules);
    resolved_clear(&names);
    sample_close(&c);
}

static void test_a_name_stands_for_itself_once(_unused_ void **state) {
    struct sample c;

    sample_open(&c, "'peers':{'named':['b.example','a.example','b.example']}", "x");
    for (size_t i = 0; i < c.intent->n_parties; i++)
        if (strcmp(c.intent->parties[i]->name, "p_named") == 0) {
            assert_int_equal(c.intent->parties[i]->n_hostnames, 2);
            assert_string_equal(c.intent->parties[i]->hostnames[0], "b.example");
        }
    assert_int_equal(c.intent->n_hostnames, 2);
    sample_close(&c);
}

enum { MANY = 1000, EACH = RESOLVED_TOTAL_MAX / MANY };

/* MANY names with as many addresses as they may have together. */
static void many_fill(struct resolved *names, char (*texts)[16], const char **wanted) {
    struct resolution answer = { .is_answered = { true, true }, .ttl = 1 };

    for (unsigned i = 0; i < MANY; i++) {
        snprintf(texts[i], sizeof(texts[i]), "n%03u.example", i);
        wanted[i] = texts[i];
    }
    assert_int_equal(resolved_need(names, wanted, MANY), 1);
    answer.n_addresses[FAMILY_IPV4] = EACH;
    for (unsigned i = 0; i < MANY; i++) {
        answer.name = wanted[i];
        for (unsigned j = 0; j < EACH; j++)
            answer.addresses[FAMILY_IPV4][j] =
                (struct address){ { 10, (uint8_t)(i / 256), (uint8_t)i, (uint8_t)j } };
        assert_int_equal(resolved_take(names, &answer, 1), 1);
    }
}

/* The time of a compilation with one peer of so many names. */
static clock_t compile_time(const char *const *wanted, size_t n, const struct resolved *names) {
    _cleanup_(freep) char *product = NULL;
    struct ruleset *rules;
    struct sample c;
    clock_t began;
    size_t size;
    FILE *f = open_memstream(&product, &size);

    fputs("'peers':{'named':[", f);
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s'%s'", i ? "," : "", wanted[i]);
    fputs("]}", f);
    fclose(f);
    sample_open(&c, product, "x");
    began = clock();
    assert_int_equal(policy_compile(c.intent, names, &rules), 0);
    began = clock() - began;
    assert_int_equal(ruleset_set(rules, "p_named_dns_4")->n_elements, n * EACH);
    ruleset_free(rules);
    sample_close(&c);
    return began;
}

/* Of a few: others use the processor's caches, too. */
static clock_t least_time(const char *const *wanted, size_t n, const struct resolved *names) {
    clock_t least = compile_time(wanted, n, names);

    for (unsigned i = 0; i < 2; i++) {
        clock_t took = compile_time(wanted, n, names);

        least = took < least ? took : least;
    }
    return least;
}

/* Ten times the names take some ten times as long: a hundred times it would be if each address were
 * looked for in all names. */
static void test_many_names_of_a_peer(_unused_ void **state) {
    struct resolved names = { 0 };
    static char texts[MANY][16];
    const char *wanted[MANY];
    clock_t few, many;

    many_fill(&names, texts, wanted);
    few = least_time(wanted, MANY / 10, &names);
    many = least_time(wanted, MANY, &names);
    assert_true(many < 40 * few);
    resolved_clear(&names);
}

/* Why a connection to an address doesn't pass, by the row that comes nearest. */
static void assert_reason(const struct intent *in, const struct ruleset *rules, const char *address,
                          const char *expected) {
    struct query query;
    json_t *explanation, *near;
    char *why;

    assert_int_equal(query_parse("out", "tcp/443", address, &query, &why), 0);
    explanation = explain_json(in, rules, &query);
    near = json_array_get(json_object_get(explanation, "near"), 0);
    assert_string_equal(json_string_value(json_object_get(near, "reason")), expected);
    json_decref(explanation);
}

static void test_explain_knows_what_is_unresolved(_unused_ void **state) {
    struct resolved names = { 0 };
    struct ruleset *closed, *open, *off = ruleset_new();
    struct sample c;

    sample_open(&c, "", "x");
    names_fill(&names);
    assert_int_equal(policy_compile(c.intent, NULL, &closed), 0);
    assert_int_equal(policy_compile(c.intent, &names, &open), 0);
    assert_reason(c.intent, closed, "203.0.113.1",
                  "203.0.113.1 is not in named (b.example, a.example by DNS, of which no address "
                  "is known)");
    assert_reason(c.intent, open, "203.0.113.9",
                  "203.0.113.9 is not in named (b.example, a.example by DNS)");
    assert_reason(c.intent, off, "203.0.113.9",
                  "203.0.113.9 is not in named (b.example, a.example by DNS)");
    ruleset_free(open);
    ruleset_free(closed);
    ruleset_free(off);
    resolved_clear(&names);
    sample_close(&c);
}

/* Not even the other service of the row, which has its number. */
static void test_a_port_without_number_opens_nothing(_unused_ void **state) {
    const struct intent_flow *f;
    struct ruleset *rules;
    struct sample c;

    sample_open(&c, "", "x");
    f = intent_flow_find(c.intent, "p/unnamed");
    assert_int_equal(f->state[DIRECTION_IN], FLOW_NO_PORT);
    assert_string_equal(f->missing, "t");
    assert_string_equal(f->unnamed.items[0].text, "tcp/$t");
    assert_int_equal(policy_compile(c.intent, NULL, &rules), 0);
    assert_false(accepts(rules, DIRECTION_IN, PROTOCOL_UDP, 9, "192.0.2.7"));
    assert_string_equal(c.intent->warnings[1].code, "port-unnamed");
    assert_string_equal(c.intent->warnings[1].hint, "site.json /products/p/ports/t");
    ruleset_free(rules);
    sample_close(&c);

    sample_open(&c, "'ports':{'t':3389}", "x");
    assert_int_equal(policy_compile(c.intent, NULL, &rules), 0);
    assert_true(accepts(rules, DIRECTION_IN, PROTOCOL_TCP, 3389, "192.0.2.7"));
    assert_true(accepts(rules, DIRECTION_IN, PROTOCOL_UDP, 9, "192.0.2.7"));
    ruleset_free(rules);
    sample_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_name_opens_its_addresses),
        cmocka_unit_test(test_a_host_needs_its_own_names_alone),
        cmocka_unit_test(test_a_binding_mixes_addresses_and_names),
        cmocka_unit_test(test_a_name_stands_for_itself_once),
        cmocka_unit_test(test_many_names_of_a_peer),
        cmocka_unit_test(test_explain_knows_what_is_unresolved),
        cmocka_unit_test(test_a_port_without_number_opens_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
