/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Published ports: what is sent on is judged as if it had been for this host, by the port that was
 * asked for and whatever port that became. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "example.h"

#define EXAMPLE POLICY_DIR "/examples/jtel-acd.site.json"

#define SITE(ingress, egress, deny)                                                                \
    "{\"format\":1,\"site\":\"t\",\"ingress\":\"" ingress "\",\"egress\":\"" egress                \
    "\",\"deny\":{\"ingress\":\"" deny "\",\"egress\":\"drop\"},\"hosts\":{"                       \
    "\"a\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.1\"]},"                        \
    "\"b\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"10.0.0.2\"]}}}"

static const char *const others[] = { "10.1.0.11",     "10.20.0.9",   "10.9.0.5",
                                      "10.0.0.5",      "172.17.0.3",  "198.51.100.7",
                                      "2001:db8:9::5", "2001:db8::7", "2001:db8:1::81" };
static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };

#define INSIDE_PORT 80

/* The same packet on its way through, to port 80 behind the host. */
static struct packet published(struct packet p) {
    bool is_answer = p.ct_direction == CT_REPLY;

    p.is_forwarded = true;
    p.ct_status = CT_STATUS_DNAT;
    p.original_port = is_answer ? p.source_port : p.destination_port;
    *(is_answer ? &p.source_port : &p.destination_port) = INSIDE_PORT;
    return p;
}

static bool accepts(const struct ruleset *rules, struct packet p) {
    return ruleset_eval(rules, &p).accepted;
}

static struct decision decide(const struct ruleset *rules, struct packet p) {
    return ruleset_eval(rules, &p);
}

static void assert_same_decision(const struct ruleset *rules, struct packet p) {
    struct decision own = decide(rules, p), sent_on = decide(rules, published(p));

    assert_int_equal(own.accepted, sent_on.accepted);
    assert_int_equal(own.rejected, sent_on.rejected);
}

/* Whoever asks for a port, and is answered; how often he may. */
static size_t assert_same_for_all(const struct ruleset *rules, uint16_t port) {
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(others) * ARRAY_SIZE(protocols); i++) {
        const char *other = others[i % ARRAY_SIZE(others)];
        uint8_t protocol = protocols[i / ARRAY_SIZE(others)];
        struct packet asks = example_packet(DIRECTION_IN, protocol, port, other);

        assert_same_decision(rules, asks);
        assert_same_decision(rules, example_answer(DIRECTION_IN, protocol, port, other));
        n += accepts(rules, published(asks));
    }
    return n;
}

static void test_as_if_for_this_host(void **state) {
    static const uint16_t wide[] = { 29999, 30000, 32000, 34999, 35000 };
    struct loaded loaded = { 0 };
    size_t n = 0;

    (void)state;
    example_load(EXAMPLE, &loaded);
    for (size_t h = 0; h < loaded.site->n_hosts; h++) {
        _cleanup_(ruleset_freep) struct ruleset *rules =
            example_compile(&loaded, loaded.site->hosts[h].name);
        const struct set *open = ruleset_set(rules, "in_service");

        for (size_t i = 0; i < open->n_elements; i++)
            for (int beside = -1; beside <= 1; beside++)
                n +=
                    assert_same_for_all(rules, (uint16_t)(open->elements[i].service.port + beside));
        for (size_t i = 0; i < ARRAY_SIZE(wide); i++)
            n += assert_same_for_all(rules, wide[i]);
    }
    assert_true(n > 100);
    loaded_clear(&loaded);
}

/* portd is no policy for what a host routes, nor for what those behind it ask for. */
static void test_what_is_not_published_passes(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    struct packet p;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-rest1");
    for (unsigned status = 0; status <= CT_STATUS_SNAT; status += CT_STATUS_SNAT) {
        p = published(example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "198.51.100.7"));
        p.ct_status = status;
        assert_true(accepts(rules, p));
        p = published(example_answer(DIRECTION_IN, PROTOCOL_TCP, 9, "198.51.100.7"));
        p.ct_status = status;
        assert_true(accepts(rules, p));
    }
    p = published(example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "198.51.100.7"));
    assert_false(accepts(rules, p));
    p.ct_state = CT_STATE_INVALID; /* it was not translated either */
    assert_true(accepts(rules, p));
    loaded_clear(&loaded);
}

static void test_requests_that_pose_as_answers(void **state) {
    static const unsigned statuses[] = { CT_STATUS_SNAT, CT_STATUS_DNAT,
                                         CT_STATUS_SNAT | CT_STATUS_DNAT };
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-lb1");
    for (size_t i = 0; i < ARRAY_SIZE(statuses); i++) {
        struct packet p =
            published(example_answer(DIRECTION_IN, PROTOCOL_TCP, 443, "198.51.100.7"));

        p.ct_status = statuses[i];
        p.tcp_flags = 2 | 16;
        assert_true(accepts(rules, p));
        p.tcp_flags = 2;
        assert_false(accepts(rules, p));
    }
    loaded_clear(&loaded);
}

/* What routers say about the path belongs to the connection that was sent on. */
static void test_errors_come_through(void **state) {
    struct loaded loaded = { 0 };
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;

    (void)state;
    example_load(EXAMPLE, &loaded);
    rules = example_compile(&loaded, "acd-rest1");
    for (enum direction d = 0; d < DIRECTION_MAX; d++) {
        struct packet p = published(example_packet(d, PROTOCOL_ICMP, 0, "192.0.2.1"));

        p.ct_direction = d == DIRECTION_IN ? CT_ORIGINAL : CT_REPLY;
        p.original_port = 8091;
        p.ct_state = CT_STATE_RELATED;
        p.icmp_type = 3;
        assert_true(accepts(rules, p));
        p.icmp_type = 5; /* redirect */
        assert_false(accepts(rules, p));
    }
    loaded_clear(&loaded);
}

static void test_modes(void **state) {
    static const struct {
        const char *site;
        bool denies, denies_answers, rejects;
    } rows[] = {
        { SITE("enforce", "enforce", "drop"), true, true, false },
        { SITE("enforce", "audit", "drop"), true, false, false },
        { SITE("enforce", "off", "reject"), true, false, true },
        { SITE("audit", "enforce", "drop"), false, false, false },
        { SITE("off", "enforce", "drop"), false, false, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
        struct loaded loaded = { 0 };
        struct packet asks = published(example_packet(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9"));
        struct packet answers =
            published(example_answer(DIRECTION_IN, PROTOCOL_TCP, 9, "10.0.0.9"));

        example_load_text(rows[i].site, &loaded);
        rules = example_compile(&loaded, "b");
        assert_int_equal(accepts(rules, asks), !rows[i].denies);
        assert_int_equal(decide(rules, asks).rejected, rows[i].rejects);
        assert_int_equal(accepts(rules, answers), !rows[i].denies_answers);
        assert_true(accepts(
            rules, published(example_packet(DIRECTION_IN, PROTOCOL_TCP, 8091, "10.0.0.1"))));
        loaded_clear(&loaded);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_if_for_this_host),
        cmocka_unit_test(test_what_is_not_published_passes),
        cmocka_unit_test(test_requests_that_pose_as_answers),
        cmocka_unit_test(test_errors_come_through),
        cmocka_unit_test(test_modes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
