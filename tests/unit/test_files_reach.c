/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The law of the matrix: A reaches B on a service exactly when the rules of A, as compiled, let it
 * out and those of B let it in. Looked at for every pair of hosts, every party outside and every
 * service that a flow names, with the ports beside it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/reach.h"

#include "example.h"

struct world {
    struct loaded loaded;
    struct reach *reach;
    struct ruleset **rules; /* of each host */
    struct service *probes; /* single ports and types */
    size_t n_probes;
    size_t n_accepted;
};

/* --- the compiled rules --- */

static struct packet packet_make(enum direction d, const struct service *probe, enum family family,
                                 const struct address *other) {
    struct packet p = { .direction = d,
                        .family = family,
                        .protocol = probe->protocol,
                        .ct_state = CT_STATE_NEW,
                        .destination_type = ADDRESS_TYPE_UNICAST };

    *(d == DIRECTION_IN ? &p.source : &p.destination) = *other;
    if (protocol_has_ports(probe->protocol)) {
        p.source_port = 40000;
        p.destination_port = probe->lo;
    } else
        p.icmp_type = (uint8_t)probe->lo;
    return p;
}

static bool rules_accept(const struct world *w, size_t host, enum direction d,
                         const struct service *probe, enum family f, const struct address *other) {
    const struct packet p = packet_make(d, probe, f, other);

    return ruleset_eval(w->rules[host], &p).accepted;
}

/* ICMP is IPv4's, ICMPv6 IPv6's, and IGMP is spoken in IPv4. */
static bool is_carried(enum family f, uint8_t protocol) {
    if (protocol == PROTOCOL_ICMPV6)
        return f == FAMILY_IPV6;
    return protocol_has_ports(protocol) || f == FAMILY_IPV4;
}

static bool rules_let_pass(const struct world *w, size_t from, size_t to,
                           const struct service *probe) {
    const struct prefixes *a = &w->loaded.site->hosts[from].addresses;
    const struct prefixes *b = &w->loaded.site->hosts[to].addresses;

    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++) {
            enum family f = a->items[i].family;

            if (f == b->items[j].family && is_carried(f, probe->protocol) &&
                rules_accept(w, from, DIRECTION_OUT, probe, f, &b->items[j].range.lo) &&
                rules_accept(w, to, DIRECTION_IN, probe, f, &a->items[i].range.lo))
                return true;
        }
    return false;
}

/* --- the matrix --- */

static bool services_have(const struct reach_row *row, const struct service *probe) {
    for (size_t i = 0; i < row->n_services; i++)
        if (row->services[i].protocol == probe->protocol && row->services[i].lo <= probe->lo &&
            row->services[i].hi >= probe->lo)
            return true;
    return false;
}

static bool end_has_host(const struct reach *r, const struct reach_end *end, size_t host) {
    for (size_t i = 0; i < end->n_groups; i++)
        if (end->groups[i] == r->groups.of_host[host])
            return true;
    return false;
}

static bool end_has_address(const struct reach_end *end, enum family f, const struct address *a) {
    for (size_t i = 0; i < end->n_parties; i++)
        if (party_contains(end->parties[i], f, a))
            return true;
    return false;
}

static bool matrix_has(const struct reach *r, size_t from, size_t to, const struct service *probe) {
    for (size_t i = 0; i < r->n_rows; i++)
        if (services_have(&r->rows[i], probe) && end_has_host(r, &r->rows[i].from, from) &&
            end_has_host(r, &r->rows[i].to, to))
            return true;
    return false;
}

static bool matrix_has_outside(const struct reach *r, size_t host, enum direction d,
                               const struct service *probe, enum family f,
                               const struct address *other) {
    for (size_t i = 0; i < r->n_rows; i++) {
        const struct reach_row *row = &r->rows[i];
        const struct reach_end *own = d == DIRECTION_IN ? &row->to : &row->from;
        const struct reach_end *outside = d == DIRECTION_IN ? &row->from : &row->to;

        if (services_have(row, probe) && end_has_host(r, own, host) &&
            end_has_address(outside, f, other))
            return true;
    }
    return false;
}

/* --- probes --- */

static void probe_add(struct world *w, uint8_t protocol, uint32_t port) {
    if (port > UINT16_MAX || (port == 0 && protocol_has_ports(protocol)))
        return;
    for (size_t i = 0; i < w->n_probes; i++)
        if (w->probes[i].protocol == protocol && w->probes[i].lo == port)
            return;
    w->probes = reallocarray(w->probes, w->n_probes + 1, sizeof(*w->probes));
    assert_non_null(w->probes);
    w->probes[w->n_probes++] = (struct service){ protocol, (uint16_t)port, (uint16_t)port };
}

static void probes_make(struct world *w) {
    const struct intent *in = w->reach->resolver.intent;

    for (size_t i = 0; i < in->n_flows; i++)
        for (size_t j = 0; j < in->flows[i].n_services; j++) {
            const struct service *s = &in->flows[i].services[j];

            probe_add(w, s->protocol, s->lo);
            probe_add(w, s->protocol, s->hi);
            if (protocol_has_ports(s->protocol)) {
                probe_add(w, s->protocol, s->lo - 1U);
                probe_add(w, s->protocol, s->hi + 1U);
                probe_add(w, s->protocol == PROTOCOL_TCP ? PROTOCOL_UDP : PROTOCOL_TCP, s->lo);
            }
        }
}

/* --- the world --- */

static struct reach *reach_get(const struct world *w, const char *product, const char *host) {
    const struct reach_query query = { product, host ? site_host(w->loaded.site, host) : NULL };
    struct reach *reach;

    assert_int_equal(reach_find(loaded_policies(&w->loaded), w->loaded.n_policies, w->loaded.site,
                                &query, &reach),
                     0);
    return reach;
}

static void world_resolve(struct world *w) {
    const struct site *site = w->loaded.site;

    w->reach = reach_get(w, NULL, NULL);
    w->rules = calloc(site->n_hosts, sizeof(*w->rules));
    assert_non_null(w->rules);
    for (size_t i = 0; i < site->n_hosts; i++)
        w->rules[i] = example_compile(&w->loaded, site->hosts[i].name);
    probes_make(w);
}

static void world_clear(struct world *w) {
    for (size_t i = 0; i < w->loaded.site->n_hosts; i++)
        ruleset_free(w->rules[i]);
    free(w->rules);
    free(w->probes);
    reach_free(w->reach);
    loaded_clear(&w->loaded);
}

static void law_broken(const struct world *w, const char *from, const char *to,
                       const struct service *probe, bool rules) {
    char buf[SERVICE_TEXT_MAX];

    fail_msg("%s: %s to %s on %s: %s", w->loaded.site->name, from, to, service_format(probe, buf),
             rules ? "the rules let it pass, the matrix does not have it"
                   : "the matrix has it, the rules deny it");
}

static void law_of_hosts(struct world *w) {
    const struct site *site = w->loaded.site;

    for (size_t a = 0; a < site->n_hosts; a++)
        for (size_t b = 0; b < site->n_hosts; b++)
            for (size_t i = 0; a != b && i < w->n_probes; i++) {
                bool rules = rules_let_pass(w, a, b, &w->probes[i]);

                w->n_accepted += rules;
                if (rules != matrix_has(w->reach, a, b, &w->probes[i]))
                    law_broken(w, site->hosts[a].name, site->hosts[b].name, &w->probes[i], rules);
            }
}

static bool is_of_host(const struct site *site, enum family f, const struct address *a) {
    for (size_t i = 0; i < site->n_hosts; i++)
        for (size_t j = 0; j < site->hosts[i].addresses.n; j++) {
            const struct prefix *p = &site->hosts[i].addresses.items[j];

            if (p->family == f && address_compare(a, &p->range.lo) >= 0 &&
                address_compare(a, &p->range.hi) <= 0)
                return true;
        }
    return false;
}

static void law_of_address(struct world *w, enum family f, const struct address *other) {
    const struct site *site = w->loaded.site;
    char buf[RANGE_TEXT_MAX];

    if (is_of_host(site, f, other))
        return;
    for (size_t h = 0; h < site->n_hosts; h++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++)
            for (size_t i = 0; i < w->n_probes; i++) {
                bool has_family = false, rules;

                for (size_t j = 0; j < site->hosts[h].addresses.n; j++)
                    has_family |= site->hosts[h].addresses.items[j].family == f;
                if (!has_family || !is_carried(f, w->probes[i].protocol))
                    continue;
                rules = rules_accept(w, h, d, &w->probes[i], f, other);
                w->n_accepted += rules;
                if (rules != matrix_has_outside(w->reach, h, d, &w->probes[i], f, other))
                    law_broken(w, site->hosts[h].name, address_format(other, f, buf), &w->probes[i],
                               rules);
            }
}

/* The first and the last address of all that parties have, those beside them, and a stranger's. */
static void law_of_outside(struct world *w) {
    const struct intent *in = w->reach->resolver.intent;
    static const char *const strangers[] = { "198.51.100.7", "2001:db8:ffff::7" };
    struct address a;
    enum family f;

    for (size_t i = 0; i < ARRAY_SIZE(strangers); i++) {
        assert_int_equal(address_parse(strangers[i], &f, &a), 0);
        law_of_address(w, f, &a);
    }
    for (size_t i = 0; i < in->n_parties; i++)
        for (f = 0; f < FAMILY_MAX; f++)
            for (size_t j = 0; j < in->parties[i]->ranges[f].n; j++) {
                const struct range *range = &in->parties[i]->ranges[f].items[j];

                law_of_address(w, f, &range->lo);
                law_of_address(w, f, &range->hi);
                if (address_next(&range->hi, f, &a))
                    law_of_address(w, f, &a);
            }
}

static void test_law_of_the_examples(void **state) {
    static const char *const examples[] = { "jtel-acd", "theatre-manager", "mailstore-spe",
                                            "therefore", "mixed" };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(examples); i++) {
        struct world w = { 0 };
        char path[256];

        snprintf(path, sizeof(path), POLICY_DIR "/examples/%s.site.json", examples[i]);
        example_load(path, &w.loaded);
        world_resolve(&w);
        law_of_hosts(&w);
        law_of_outside(&w);
        assert_true(w.n_accepted > 1000);
        world_clear(&w);
    }
}

/* --- sites of the test's own --- */

#define HOSTS                                                                                      \
    "\"hosts\":{"                                                                                  \
    "\"a\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.1\",\"2001:db8::1\"]},"        \
    "\"b\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"10.0.0.2\"]},"                      \
    "\"c\":{\"roles\":[\"jtel-acd/ACD-REST\"],\"addresses\":[\"2001:db8::3\"]},"                   \
    "\"d\":{\"roles\":[\"jtel-acd/ACD-LB\"],\"addresses\":[\"10.0.0.4\",\"2001:db8::4\"]},"        \
    "\"n\":{\"addresses\":[\"10.7.0.0/24\"]}}"
#define SITE(flows) "{\"format\":1,\"site\":\"t\"," HOSTS ",\"flows\":[" flows "]}"
#define FLOW(id, from, to, services)                                                               \
    "{\"id\":\"" id "\",\"title\":\"" id "\",\"from\":[" from "],\"to\":[" to                      \
    "],\"services\":[" services "]}"

static void world_load(struct world *w, const char *site) {
    *w = (struct world){ 0 };
    example_load_text(site, &w->loaded);
    world_resolve(w);
}

static const struct reach_row *row_find(const struct reach *r, const char *flow) {
    for (size_t i = 0; i < r->n_rows; i++)
        if (strcmp(r->rows[i].flow->id, flow) == 0)
            return &r->rows[i];
    return NULL;
}

/* n has no role, so that the rows from any do not let it out: another flow does, of its ports. */
static void test_two_flows_meet(void **state) {
    const struct service admin = { PROTOCOL_TCP, 7777, 7777 }, chat = { PROTOCOL_TCP, 3000, 3000 };
    const struct service reporting = { PROTOCOL_TCP, 3307, 3307 };
    const struct reach_row *row;
    struct world w;

    (void)state;
    world_load(&w,
               SITE(FLOW("out", "\"host:n\"", "\"any\"", "\"tcp/3307-3308\", \"tcp/7700-7800\"")));
    law_of_hosts(&w);
    law_of_outside(&w);
    assert_true(matrix_has(w.reach, 4, 0, &admin));
    assert_false(matrix_has(w.reach, 4, 0, &chat));
    assert_false(matrix_has(w.reach, 4, 0, &reporting));
    assert_true(matrix_has(w.reach, 1, 0, &chat));
    row = row_find(w.reach, "jtel-acd/haproxy");
    while (!end_has_host(w.reach, &row->from, 4))
        row++;
    assert_string_equal(row->flow->id, "jtel-acd/haproxy");
    assert_int_equal(row->n_out, 1);
    assert_string_equal(row->out[0]->id, "site/out");
    world_clear(&w);
}

/* Of a range only the part that both ends open. */
static void test_ranges_meet(void **state) {
    const struct reach_row *row;
    struct world w;

    (void)state;
    world_load(&w, SITE(FLOW("out", "\"host:n\"", "\"any\"", "\"tcp/100-200\"") "," FLOW(
                       "in", "\"10.7.0.0/25\"", "\"host:d\"", "\"tcp/150-300\", \"tcp/90\"")));
    row = row_find(w.reach, "site/in");
    while (!end_has_host(w.reach, &row->from, 4))
        row++;
    assert_string_equal(row->flow->id, "site/in");
    assert_int_equal(row->n_services, 1);
    assert_int_equal(row->services[0].lo, 150);
    assert_int_equal(row->services[0].hi, 200);
    world_clear(&w);
}

/* Whom no family joins, and what is let in from nobody. */
static void test_families_and_nobody(void **state) {
    const struct service rest = { PROTOCOL_TCP, 8091, 8091 }, one = { PROTOCOL_TCP, 1, 1 };
    const struct service two = { PROTOCOL_TCP, 2, 2 };
    struct world w;

    (void)state;
    world_load(&w, SITE(FLOW("one", "\"host:b\"", "\"host:c\"", "\"tcp/1\"") "," FLOW(
                       "two", "\"self\", \"jtel-acd/ACD-LB\"", "\"host:b\"", "\"tcp/2\"")));
    law_of_hosts(&w);
    law_of_outside(&w);
    assert_true(matrix_has(w.reach, 0, 1, &rest));
    assert_true(matrix_has(w.reach, 0, 2, &rest));
    assert_false(matrix_has(w.reach, 1, 0, &rest));
    assert_false(matrix_has(w.reach, 1, 2, &one)); /* IPv4 only to IPv6 only */
    assert_true(matrix_has(w.reach, 0, 1, &two));
    assert_false(matrix_has(w.reach, 4, 1, &two)); /* self may ask, but nobody is let in as self */
    assert_null(row_find(w.reach, "site/one"));
    assert_null(row_find(w.reach, "jtel-acd/samba")); /* no host has the role */
    world_clear(&w);
}

/* A host whose address is a network, of which a party has a part. */
static void test_a_network_as_host(void **state) {
    const struct service in = { PROTOCOL_TCP, 9, 9 }, split = { PROTOCOL_TCP, 8, 8 };
    struct world w;

    (void)state;
    world_load(&w,
               SITE(FLOW("out", "\"host:n\"", "\"any\"", "\"tcp/8-9\"") "," FLOW(
                   "part", "\"10.7.0.128/25\"", "\"host:a\"",
                   "\"tcp/9\"") "," FLOW("none", "\"10.7.1.0/24\"", "\"host:a\"", "\"tcp/8\"")));
    assert_true(matrix_has(w.reach, 4, 0, &in));
    assert_false(matrix_has(w.reach, 4, 0, &split));
    world_clear(&w);
}

/* What is asked of one host or one product is what the whole has of it. */
static void test_narrowed(void **state) {
    struct world w = { 0 };

    (void)state;
    example_load(POLICY_DIR "/examples/mixed.site.json", &w.loaded);
    world_resolve(&w);
    for (size_t h = 0; h < w.loaded.site->n_hosts; h++) {
        _cleanup_(reach_freep) struct reach *one =
            reach_get(&w, NULL, w.loaded.site->hosts[h].name);

        for (size_t a = 0; a < w.loaded.site->n_hosts; a++)
            for (size_t b = 0; b < w.loaded.site->n_hosts; b++)
                for (size_t i = 0; a != b && i < w.n_probes; i++)
                    assert_int_equal(matrix_has(one, a, b, &w.probes[i]),
                                     (a == h || b == h) && matrix_has(w.reach, a, b, &w.probes[i]));
    }
    {
        _cleanup_(reach_freep) struct reach *one = reach_get(&w, "therefore", NULL);

        assert_true(one->n_rows > 0);
        for (size_t i = 0; i < one->n_rows; i++)
            assert_string_equal(one->rows[i].flow->product, "therefore");
    }
    world_clear(&w);
}

/* Hosts of one mixture of roles are one group, however many they are. */
static void test_groups_are_few(void **state) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);
    struct world w = { 0 };

    (void)state;
    fputs("{\"format\":1,\"site\":\"big\",\"hosts\":{", f);
    for (unsigned i = 0; i < 1000; i++)
        fprintf(f, "%s\"h%u\":{\"roles\":[\"jtel-acd/%s\"],\"addresses\":[\"10.1.%u.%u\"]}",
                i ? "," : "", i, i % 3 ? "ACD-JB" : "ACD-TEL", i / 250, i % 250 + 1);
    fputs("}}", f);
    fclose(f);
    example_load_text(text, &w.loaded);
    w.reach = reach_get(&w, NULL, NULL);
    assert_int_equal(w.reach->groups.n, 2);
    assert_int_equal(w.reach->groups.items[0].n_hosts, 334);
    assert_true(w.reach->n_rows < 100);
    assert_true(matrix_has(w.reach, 1, 0, &(struct service){ PROTOCOL_UDP, 20641, 20641 }));
    assert_false(matrix_has(w.reach, 0, 1, &(struct service){ PROTOCOL_UDP, 20641, 20641 }));
    reach_free(w.reach);
    loaded_clear(&w.loaded);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_law_of_the_examples), cmocka_unit_test(test_two_flows_meet),
        cmocka_unit_test(test_ranges_meet),         cmocka_unit_test(test_families_and_nobody),
        cmocka_unit_test(test_a_network_as_host),   cmocka_unit_test(test_narrowed),
        cmocka_unit_test(test_groups_are_few),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
