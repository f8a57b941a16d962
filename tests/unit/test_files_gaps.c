/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows that are open on one end and closed on the other are those that two hosts' compiled
 * rules show: for every pair of hosts of random sites, each of their addresses, every port. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/gaps.h"

#include "random_site.h"

#define SITES 100U

struct end {
    struct intent *intent;
    struct ruleset *rules;
};

static struct end end_make(const struct loaded *l, size_t host) {
    struct end e = { .intent = example_intent(l, l->site->hosts[host].name) };

    e.intent->modes[DIRECTION_IN] = e.intent->modes[DIRECTION_OUT] = MODE_ENFORCE;
    assert_int_equal(policy_compile(e.intent, NULL, &e.rules), 0);
    return e;
}

static bool lets(const struct end *e, enum direction d, enum family f, uint8_t protocol,
                 uint16_t port, const struct address *other) {
    struct packet p = { .direction = d,
                        .family = f,
                        .protocol = protocol,
                        .source_port = 40000,
                        .destination_port = port,
                        .ct_state = CT_STATE_NEW,
                        .destination_type = ADDRESS_TYPE_UNICAST };

    *(d == DIRECTION_IN ? &p.source : &p.destination) = *other;
    return ruleset_eval(e->rules, &p).accepted;
}

/* By a row that doesn't mean everybody. */
static bool lets_by_name(const struct intent *in, enum direction d, enum family f, uint8_t protocol,
                         uint16_t port, const struct address *other) {
    for (size_t i = 0; i < in->n_flows; i++) {
        const struct intent_flow *flow = &in->flows[i];
        bool has_any = false, has_other = false, has_port = false;
        size_t n;
        struct party **others = flow_others(flow, d, &n);

        for (size_t j = 0; j < n; j++) {
            has_any |= others[j]->any;
            has_other |= !others[j]->is_self && party_contains(others[j], f, other);
        }
        for (size_t j = 0; j < flow->n_services; j++)
            has_port |= flow->services[j].protocol == protocol && flow->services[j].lo <= port &&
                        flow->services[j].hi >= port;
        if (flow->state[d] == FLOW_ACTIVE && has_other && has_port && !has_any)
            return true;
    }
    return false;
}

static bool group_has(const struct alike *group, size_t host) {
    for (size_t i = 0; i < group->n_hosts; i++)
        if (group->hosts[i] == host)
            return true;
    return false;
}

static bool is_told(const struct gaps *g, enum direction d, size_t from, size_t to,
                    uint8_t protocol, uint16_t port) {
    for (size_t i = 0; i < g->n; i++) {
        const struct gap *gap = &g->items[i];

        if (gap->direction == d && group_has(gap->from, from) && group_has(gap->to, to) &&
            gap->service.protocol == protocol && gap->service.lo <= port && gap->service.hi >= port)
            return true;
    }
    return false;
}

/* Whether one of the addresses, of which hosts have one a family, shows the gap. */
static bool is_so(const struct end *from, const struct end *to, enum direction d, uint8_t protocol,
                  uint16_t port) {
    const struct intent_host *a = &from->intent->self, *b = &to->intent->self;
    bool found = false;

    for (size_t i = 0; i < a->n_addresses; i++)
        for (size_t j = 0; j < b->n_addresses; j++) {
            enum family f = a->addresses[i].family;
            const struct address *source = &a->addresses[i].range.lo;
            const struct address *target = &b->addresses[j].range.lo;

            if (f != b->addresses[j].family)
                continue;
            if (d == DIRECTION_OUT)
                found |= lets_by_name(from->intent, d, f, protocol, port, target) &&
                         !lets(to, DIRECTION_IN, f, protocol, port, source);
            else
                found |= lets_by_name(to->intent, d, f, protocol, port, source) &&
                         !lets(from, DIRECTION_OUT, f, protocol, port, target);
        }
    return found;
}

static size_t try_pair(const struct gaps *g, const struct end *ends, size_t from, size_t to) {
    static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        for (uint32_t port = PORT_FIRST - 1; port < PORT_FIRST + PORT_COUNT + 8; port++)
            for (enum direction d = 0; d < DIRECTION_MAX; d++) {
                bool told = is_told(g, d, from, to, protocols[i], (uint16_t)port);

                assert_int_equal(told,
                                 is_so(&ends[from], &ends[to], d, protocols[i], (uint16_t)port));
                n += told;
            }
    return n;
}

static void test_random_sites(void **state _unused_) {
    size_t n_gaps = 0, n_without = 0;
    uint32_t seed = 11;

    for (unsigned i = 0; i < SITES; i++) {
        _cleanup_(gaps_freep) struct gaps *gaps = NULL;
        struct loaded l = { 0 };
        struct end ends[HOSTS];

        random_site(&seed, &l);
        assert_int_equal(gaps_find(loaded_policies(&l), l.n_policies, l.site, &gaps), 0);
        for (size_t j = 0; j < HOSTS; j++)
            ends[j] = end_make(&l, j);
        for (size_t from = 0; from < HOSTS; from++)
            for (size_t to = 0; to < HOSTS; to++)
                n_gaps += from != to ? try_pair(gaps, ends, from, to) : 0;
        n_without += gaps->n == 0;
        for (size_t j = 0; j < HOSTS; j++) {
            intent_free(ends[j].intent);
            ruleset_free(ends[j].rules);
        }
        loaded_clear(&l);
    }
    print_message("%u sites, %zu without a gap, %zu ports open on one end only\n", SITES, n_without,
                  n_gaps);
    assert_in_range(n_without, 1, SITES / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
