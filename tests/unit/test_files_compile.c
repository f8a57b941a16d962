/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies and a site on one end, verdicts for packets on the other: what no single module can
 * show by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/explain.h"
#include "engine/text.h"

#include "example.h"

#define EXAMPLE POLICY_DIR "/examples/jtel-acd.site.json"

static bool accepts(const struct ruleset *rules, struct packet p) {
    return ruleset_eval(rules, &p).accepted;
}

static void assert_flow(const struct ruleset *rules, struct packet p, const char *flow) {
    struct decision d = ruleset_eval(rules, &p);

    assert_true(d.accepted);
    assert_non_null(d.match);
    assert_string_equal(d.match->comment, flow);
}

static void test_flows_of_a_load_balancer(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-lb1");

    assert_flow(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 443, "198.51.100.7"),
                "jtel-acd/https");
    assert_flow(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 3307, "10.20.0.9"),
                "jtel-acd/reporting");
    assert_flow(rules, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 8091, "10.1.0.81"),
                "jtel-acd/rest");
    assert_flow(rules, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 8091, "2001:db8:1::82"),
                "jtel-acd/rest");
    assert_flow(rules, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 3306, "10.1.0.41"),
                "site/database-backend");
    assert_false(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 3306, "10.20.0.192")));
    assert_false(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 8091, "10.1.0.12")));
    assert_false(accepts(rules, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 8091, "10.1.0.21")));
    assert_false(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_UDP, 443, "198.51.100.7")));
    loaded_clear(&loaded);
}

/* Only answers to what may be asked pass, and only from who may be asked. */
static void test_answers_meet_the_policy(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-lb1");

    assert_true(accepts(rules, example_answer(DIRECTION_OUT, PROTOCOL_TCP, 8091, "10.1.0.81")));
    assert_false(accepts(rules, example_answer(DIRECTION_OUT, PROTOCOL_TCP, 8091, "10.1.0.21")));
    assert_false(accepts(rules, example_answer(DIRECTION_OUT, PROTOCOL_TCP, 8092, "10.1.0.81")));
    assert_true(accepts(rules, example_answer(DIRECTION_IN, PROTOCOL_TCP, 3306, "10.20.0.9")));
    assert_false(accepts(rules, example_answer(DIRECTION_IN, PROTOCOL_TCP, 3306, "10.20.0.192")));
    assert_true(accepts(rules, example_answer(DIRECTION_IN, PROTOCOL_TCP, 443, "198.51.100.7")));
    loaded_clear(&loaded);
}

static void test_wide_ranges_and_broadcast(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *tel = NULL, *jb = NULL;
    struct packet p;

    (void)state;
    example_load(EXAMPLE, &loaded);
    tel = example_compile(&loaded, "acd-tel1");
    jb = example_compile(&loaded, "acd-jb1");

    assert_flow(tel, example_packet(DIRECTION_IN, PROTOCOL_UDP, 30000, "10.9.0.5"), "jtel-acd/rtp");
    assert_flow(tel, example_packet(DIRECTION_IN, PROTOCOL_UDP, 34999, "2001:db8:9::5"),
                "jtel-acd/rtp");
    assert_false(accepts(tel, example_packet(DIRECTION_IN, PROTOCOL_UDP, 29999, "10.9.0.5")));
    assert_false(accepts(tel, example_packet(DIRECTION_IN, PROTOCOL_UDP, 35000, "10.9.0.5")));
    assert_true(accepts(tel, example_answer(DIRECTION_IN, PROTOCOL_UDP, 31000, "10.9.0.5")));

    p = example_packet(DIRECTION_OUT, PROTOCOL_UDP, 20202, "10.1.0.255");
    assert_false(accepts(tel, p));
    p.destination_type = ADDRESS_TYPE_BROADCAST;
    assert_flow(tel, p, "jtel-acd/interchassis");
    assert_false(accepts(jb, p));
    loaded_clear(&loaded);
}

static void test_what_a_host_cant_do_without(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    struct packet p;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-rest1");

    p = example_packet(DIRECTION_IN, PROTOCOL_ICMPV6, 0, "fe80::1");
    p.ct_state = CT_STATE_UNTRACKED;
    p.icmp_type = 135;
    assert_flow(rules, p, "host-baseline/neighbour-discovery-in");
    p.icmp_type = 137;
    assert_false(accepts(rules, p));

    p = example_packet(DIRECTION_IN, PROTOCOL_ICMP, 0, "192.0.2.1");
    p.icmp_type = 3;
    p.ct_state = CT_STATE_RELATED;
    assert_flow(rules, p, "host-baseline/icmp-errors-in");
    p.ct_state = CT_STATE_INVALID;
    assert_false(accepts(rules, p));

    p = example_packet(DIRECTION_IN, PROTOCOL_TCP, 1, "203.0.113.200");
    p.is_loopback = true;
    assert_true(accepts(rules, p));
    loaded_clear(&loaded);
}

#define SITE(modes, deny)                                                                          \
    "{\"format\":1,\"site\":\"t\"," modes "\"deny\":{\"ingress\":\"" deny                          \
    "\",\"egress\":\"drop\"},\"hosts\":{"                                                          \
    "\"a\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.1\"]},"                        \
    "\"b\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"10.0.0.2\"]}}}"

static void test_modes(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *audit = NULL, *off = NULL;

    (void)state;
    example_load_text(SITE("\"ingress\":\"audit\",", "drop"), &loaded);
    audit = example_compile(&loaded, "b");
    assert_true(accepts(audit, example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9")));
    assert_true(accepts(audit, example_answer(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9")));
    assert_false(accepts(audit, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 9, "10.0.0.9")));
    loaded_clear(&loaded);

    example_load_text(SITE("\"egress\":\"off\",", "drop"), &loaded);
    off = example_compile(&loaded, "b");
    assert_true(accepts(off, example_packet(DIRECTION_OUT, PROTOCOL_TCP, 9, "10.0.0.9")));
    assert_true(accepts(off, example_answer(DIRECTION_OUT, PROTOCOL_TCP, 9, "10.0.0.9")));
    assert_false(accepts(off, example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9")));
    loaded_clear(&loaded);
}

/* Whom a direction that isn't enforced let through gets its answers, also at a port that is open
 * for others only. */
static void test_modes_let_answers_through(void **state) {
    static const char *const modes[] = { "audit", "off" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            const uint16_t port = d == DIRECTION_IN ? 8091 : 3306;
            _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
            struct loaded loaded = { 0 };
            enum direction other;
            char site[1024];
            struct packet p;

            snprintf(site, sizeof(site), SITE("\"%sgress\":\"%s\",", "drop"),
                     d == DIRECTION_IN ? "in" : "e", modes[i]);
            example_load_text(site, &loaded);
            rules = example_compile(&loaded, "b");
            assert_true(accepts(rules, example_packet(d, PROTOCOL_TCP, port, "10.0.0.9")));
            assert_true(accepts(rules, example_answer(d, PROTOCOL_TCP, port, "10.0.0.9")));
            p = example_answer(d, PROTOCOL_ICMP, 0, "10.0.0.9");
            p.icmp_type = 14; /* timestamp reply */
            assert_true(accepts(rules, p));
            other = d == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
            assert_false(accepts(rules, example_packet(other, PROTOCOL_TCP, port, "10.0.0.9")));
            loaded_clear(&loaded);
        }
}

static void test_deny_by_answer(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    struct packet p = { 0 };

    (void)state;
    example_load_text(SITE("", "reject"), &loaded);
    rules = example_compile(&loaded, "b");
    p = example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9");
    assert_true(ruleset_eval(rules, &p).rejected);
    /* The reset of that denial may leave, no other answer from that port may. */
    p = example_answer(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9");
    assert_false(accepts(rules, p));
    p.ct_state = CT_STATE_RELATED;
    p.tcp_flags = 4 | 16;
    assert_true(accepts(rules, p));
    /* Also where the port is open for somebody else. */
    p = example_packet(DIRECTION_IN, PROTOCOL_TCP, 8091, "10.0.0.9");
    assert_true(ruleset_eval(rules, &p).rejected);
    p = example_answer(DIRECTION_IN, PROTOCOL_TCP, 8091, "10.0.0.9");
    assert_false(accepts(rules, p));
    p.ct_state = CT_STATE_RELATED;
    p.tcp_flags = 4 | 16;
    assert_true(accepts(rules, p));
    loaded_clear(&loaded);
}

static void test_features_and_warnings(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(intent_freep) struct intent *intent = NULL;
    const struct intent_flow *f;
    bool unbound = false, management = false;

    (void)state;
    example_load_text(SITE("", "drop"), &loaded);
    intent = example_intent(&loaded, "a");
    f = intent_flow_find(intent, "jtel-acd/pcs-web");
    assert_int_equal(f->state[DIRECTION_IN], FLOW_FEATURE_OFF);
    assert_string_equal(f->missing, "redundant");
    f = intent_flow_find(intent, "jtel-acd/rest");
    assert_int_equal(f->state[DIRECTION_OUT], FLOW_ACTIVE);
    assert_int_equal(f->state[DIRECTION_IN], FLOW_NOT_MINE);
    f = intent_flow_find(intent, "jtel-acd/chat-server");
    assert_int_equal(f->state[DIRECTION_OUT], FLOW_EMPTY);
    for (size_t i = 0; i < intent->n_warnings; i++) {
        unbound |= strcmp(intent->warnings[i].code, "peer-unbound") == 0 &&
                   strstr(intent->warnings[i].text, "reporting-users");
        management |= strcmp(intent->warnings[i].code, "no-management") == 0;
    }
    assert_true(unbound);
    assert_true(management);
    loaded_clear(&loaded);
}

/* Every address makes nobody a server, however it is written; a network that has this host does. */
static void test_who_is_a_server(void **state) {
    static const struct {
        const char *to;
        bool opens;
    } cases[] = {
        { "\"any\"", false },
        { "\"0.0.0.0/0\"", false },
        { "\"0.0.0.0/0\",\"::/0\"", false },
        { "\"192.0.2.0/24\"", false },
        { "\"10.0.0.0/24\"", true },
        { "\"0.0.0.0/0\",\"10.0.0.2\"", true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
        struct loaded loaded = { 0 };
        char site[1024];

        snprintf(site, sizeof(site),
                 SITE("\"flows\":[{\"id\":\"mail\",\"title\":\"mail\",\"from\":[\"all\"],"
                      "\"to\":[%s],\"services\":[\"tcp/25\"]}],",
                      "drop"),
                 cases[i].to);
        example_load_text(site, &loaded);
        rules = example_compile(&loaded, "b");
        assert_int_equal(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 25, "10.0.0.1")),
                         cases[i].opens);
        loaded_clear(&loaded);
    }
}

/* `any` lets the product's hosts go out, in a site's own row all hosts; a network lets go out
 * whoever is in it. */
static void test_who_is_any(void **state) {
    static const char site[] =
        "{\"format\":1,\"site\":\"t\",\"products\":{\"jtel-acd\":{\"peers\":{"
        "\"chat-users\":\"any\",\"reporting-users\":[\"10.0.0.2/31\"]}}},\"hosts\":{"
        "\"a\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.1\"]},"
        "\"b\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"10.0.0.2\"]},"
        "\"c\":{\"roles\":[\"mailstore-spe/IH\"],\"addresses\":[\"10.0.0.3\"]}},"
        "\"flows\":[{\"id\":\"x\",\"title\":\"x\",\"from\":[\"any\"],\"to\":[\"host:a\"],"
        "\"services\":[\"tcp/9\"]}]}";
    static const struct {
        uint16_t port;
        bool from_b, from_c;
    } cases[] = { { 3000, true, false }, { 3306, true, true }, { 9, true, true } };
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *b = NULL, *c = NULL;

    (void)state;
    example_load_text(site, &loaded);
    b = example_compile(&loaded, "b");
    c = example_compile(&loaded, "c");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct packet p = example_packet(DIRECTION_OUT, PROTOCOL_TCP, cases[i].port, "10.0.0.1");

        assert_int_equal(accepts(b, p), cases[i].from_b);
        assert_int_equal(accepts(c, p), cases[i].from_c);
    }
    loaded_clear(&loaded);
}

/* Two selectors whose texts differ in ':' and '.' alone. */
static void test_prefixes_keep_apart(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;

    (void)state;
    example_load_text(SITE("\"flows\":[{\"id\":\"x\",\"title\":\"x\",\"from\":[\"::1.2.3.4\"],"
                           "\"to\":[\"host:b\"],\"services\":[\"tcp/1\"]},"
                           "{\"id\":\"y\",\"title\":\"y\",\"from\":[\"::1:2:3:4\"],"
                           "\"to\":[\"host:b\"],\"services\":[\"tcp/2\"]}],",
                           "drop"),
                      &loaded);
    rules = example_compile(&loaded, "b");
    assert_true(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 1, "::1.2.3.4")));
    assert_true(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 2, "::1:2:3:4")));
    assert_false(accepts(rules, example_packet(DIRECTION_IN, PROTOCOL_TCP, 2, "::1.2.3.4")));
    loaded_clear(&loaded);
}

static void test_unknown_host_lists_the_hosts(void **state) {
    struct loaded loaded = { 0 };
    struct report mistakes = REPORT_INIT;
    struct intent *intent;
    const char *names[] = { "mars.example.net", "mars" };

    (void)state;
    example_load(EXAMPLE, &loaded);
    assert_int_equal(intent_resolve(loaded_policies(&loaded), loaded.n_policies, loaded.site, names,
                                    2, &intent, &mistakes),
                     RESOLVE_E_NO_HOST);
    assert_int_equal(mistakes.n_entries, 1);
    assert_non_null(strstr(mistakes.entries[0].text, "\"mars\""));
    assert_non_null(strstr(mistakes.entries[0].text, "acd-lb1"));
    report_clear(&mistakes);
    loaded_clear(&loaded);
}

static json_t *explain(const struct loaded *loaded, const char *host, const char *direction,
                       const char *service, const char *address) {
    _cleanup_(intent_freep) struct intent *intent = example_intent(loaded, host);
    _cleanup_(ruleset_freep) struct ruleset *rules = example_compile(loaded, host);
    struct query q;
    char *why = NULL;

    assert_int_equal(query_parse(direction, service, address, &q, &why), 0);
    return explain_json(intent, rules, &q);
}

static const char *string_at(json_t *o, const char *key) {
    return json_string_value(json_object_get(o, key));
}

static void test_explain(void **state) {
    struct loaded loaded = { 0 };
    json_t *o;

    (void)state;
    example_load(EXAMPLE, &loaded);
    o = explain(&loaded, "acd-lb1", "in", "tcp/443", "198.51.100.7");
    assert_string_equal(string_at(o, "verdict"), "ACCEPT");
    assert_string_equal(string_at(json_object_get(o, "flow"), "flow"), "jtel-acd/https");
    assert_int_equal(json_array_size(json_object_get(o, "near")), 0);
    json_decref(o);

    o = explain(&loaded, "acd-lb1", "in", "tcp/3306", "198.51.100.7");
    assert_string_equal(string_at(o, "verdict"), "DROP");
    assert_null(json_object_get(o, "flow"));
    assert_int_equal(json_array_size(json_object_get(o, "near")), 4);
    json_decref(o);

    /* What stays on the host. */
    o = explain(&loaded, "acd-lb1", "in", "tcp/3306", "127.0.0.53");
    assert_string_equal(string_at(o, "verdict"), "ACCEPT");
    assert_non_null(strstr(string_at(o, "text"), "loopback"));
    json_decref(o);
    o = explain(&loaded, "acd-lb1", "out", "tcp/9", "2001:db8:1::11");
    assert_string_equal(string_at(o, "verdict"), "ACCEPT");
    json_decref(o);
    o = explain(&loaded, "acd-lb1", "out", "tcp/9", "::2");
    assert_string_equal(string_at(o, "verdict"), "REJECT");
    json_decref(o);

    o = explain(&loaded, "acd-rest1", "out", "icmp/echo-request", "198.51.100.7");
    assert_string_equal(string_at(o, "verdict"), "ACCEPT");
    json_decref(o);
    loaded_clear(&loaded);
}

static void test_explain_broadcast(void **state) {
    struct loaded loaded = { 0 };
    json_t *o;

    (void)state;
    example_load(EXAMPLE, &loaded);
    o = explain(&loaded, "acd-tel1", "out", "udp/20202", "255.255.255.255");
    assert_string_equal(string_at(o, "verdict"), "ACCEPT");
    json_decref(o);
    o = explain(&loaded, "acd-jb1", "out", "udp/20202", "255.255.255.255");
    assert_string_equal(string_at(o, "verdict"), "REJECT");
    json_decref(o);
    o = explain(&loaded, "acd-tel1", "out", "udp/20202", "10.1.0.255");
    assert_string_equal(string_at(o, "verdict"), "REJECT");
    assert_non_null(strstr(string_at(json_array_get(json_object_get(o, "near"), 0), "reason"),
                           "broadcast address"));
    json_decref(o);
    loaded_clear(&loaded);
}

static void test_wrong_questions(void **state) {
    static const char *const wrong[][3] = {
        { "sideways", "tcp/1", "10.0.0.1" },
        { "in", "tcp/0", "10.0.0.1" },
        { "in", "tcp/1-9", "10.0.0.1" },
        { "in", "tcp+udp/53", "10.0.0.1" },
        { "in", "tcp/$rest", "10.0.0.1" },
        { "in", "tcp/1", "10.0.0.0/24" },
        { "in", "tcp/1", "ten" },
        { "in", "icmp/echo-request", "2001:db8::1" },
        { "in", "icmpv6/echo-request", "10.0.0.1" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct query q;
        char *why = NULL;

        assert_int_equal(query_parse(wrong[i][0], wrong[i][1], wrong[i][2], &q, &why),
                         EXPLAIN_E_INVALID);
        assert_non_null(why);
        free(why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flows_of_a_load_balancer),
        cmocka_unit_test(test_answers_meet_the_policy),
        cmocka_unit_test(test_wide_ranges_and_broadcast),
        cmocka_unit_test(test_what_a_host_cant_do_without),
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_modes_let_answers_through),
        cmocka_unit_test(test_deny_by_answer),
        cmocka_unit_test(test_features_and_warnings),
        cmocka_unit_test(test_who_is_a_server),
        cmocka_unit_test(test_who_is_any),
        cmocka_unit_test(test_prefixes_keep_apart),
        cmocka_unit_test(test_unknown_host_lists_the_hosts),
        cmocka_unit_test(test_explain),
        cmocka_unit_test(test_explain_broadcast),
        cmocka_unit_test(test_wrong_questions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
