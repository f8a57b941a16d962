/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a plan says of two sites is the difference of what their compiled rules do: for pairs of
 * sites with random hosts, roles, addresses, features, ports, peers, rows and modes, each packet of
 * every stretch of addresses and of every port that a row names, or none does, is decided by both
 * rulesets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/preview.h"

#include "example.h"
#include "loading.h"

#define PAIRS 500U

/* All services of these sites are among these ports, and two stretches are free of any. */
#define PORT_FIRST 1000U
#define PORT_COUNT 24U
#define HOSTS      5U

static const char policy_text[] =
    "{'format': 1, 'product': 'p', 'title': 'P', 'source': 'x', 'roles': {'A': {'title': 'A'}, "
    "'B': {'title': 'B'}, 'C': {'title': 'C'}}, 'peers': {'near': {'title': 'N'}, 'far': {'title': "
    "'F', 'default': 'any'}, 'named': {'title': 'L', 'hostnames': ['a.example.net']}}, 'features': "
    "{'x': {'title': 'X', 'default': false}, 'y': {'title': 'Y', 'default': true}}, 'ports': "
    "{'one': {'title': 'O', 'default': 1003}, 'free': {'title': 'T'}}, 'flows': ["
    "{'id': 'a', 'from': ['A'], 'to': ['B'], 'services': ['tcp/$one', 'udp/1005-1009'], 'title': "
    "'t', 'ref': 'r'},"
    "{'id': 'b', 'from': ['internal'], 'to': ['A', 'C'], 'services': ['tcp/1002-1012'], 'when': "
    "['x'], 'title': 't', 'ref': 'r'},"
    "{'id': 'c', 'from': ['near', 'B'], 'to': ['internal'], 'services': ['tcp+udp/1007'], 'when': "
    "['y'], 'title': 't', 'ref': 'r'},"
    "{'id': 'd', 'from': ['C', 'A'], 'to': ['far'], 'services': ['tcp/$free', 'icmp'], 'title': "
    "'t', 'ref': 'r'},"
    "{'id': 'e', 'from': ['far'], 'to': ['B'], 'services': ['udp/$free', 'icmpv6/echo-request'], "
    "'title': 't', 'ref': 'r'},"
    "{'id': 'f', 'from': ['A'], 'to': ['named', 'near'], 'services': ['tcp/1010-1014'], 'title': "
    "'t', 'ref': 'r'}]}";

/* --- sites --- */

static size_t choose(uint32_t *seed, size_t n) {
    return random_next(seed) % n;
}

static const char *modes(uint32_t *seed) {
    static const char *const all[] = { "enforce", "enforce", "enforce", "audit", "off" };

    return all[choose(seed, ARRAY_SIZE(all))];
}

static void write_hosts(FILE *f, uint32_t *seed) {
    static const char *const roles[] = { "'p/A'", "'p/B'", "'p/C'", "'p/A', 'p/C'", "" };

    for (size_t i = 0; i < HOSTS; i++) {
        unsigned last = (unsigned)(2 * i + choose(seed, 2) + 1);

        fprintf(f, "%s'h%zu': {'roles': [%s], 'addresses': ['10.0.0.%u'", i ? ", " : "", i,
                roles[choose(seed, ARRAY_SIZE(roles) - (i == 0))], last);
        if (choose(seed, 2))
            fprintf(f, ", '2001:db8::%x'", last);
        fprintf(f, "]}");
    }
}

static const char *prefix(uint32_t *seed) {
    static const char *const all[] = { "10.0.0.0/29",    "10.0.0.8/30",     "10.0.0.0/24",
                                       "10.0.0.5",       "192.0.2.0/25",    "192.0.2.128/26",
                                       "2001:db8::/125", "2001:db8::/64",   "2001:db8::6",
                                       "0.0.0.0/0",      "2001:db8:1::/64", "::/1" };

    return all[choose(seed, ARRAY_SIZE(all))];
}

static void write_product(FILE *f, uint32_t *seed) {
    fprintf(f, "'features': {'x': %s, 'y': %s}, 'ports': {'one': %zu",
            choose(seed, 2) ? "true" : "false", choose(seed, 2) ? "true" : "false",
            PORT_FIRST + choose(seed, PORT_COUNT));
    if (choose(seed, 2))
        fprintf(f, ", 'free': %zu", PORT_FIRST + choose(seed, PORT_COUNT));
    fprintf(f, "}, 'peers': {'near': ['%s']", prefix(seed));
    if (choose(seed, 2))
        fprintf(f, ", 'far': ['%s']", prefix(seed));
    fprintf(f, "}");
}

static void write_selector(FILE *f, uint32_t *seed, size_t number) {
    static const char *const words[] = { "self", "all", "any", "p/A", "p/B" };

    if (number == 0 && choose(seed, 2))
        fprintf(f, "'%s'", words[choose(seed, ARRAY_SIZE(words))]);
    else if (choose(seed, 2))
        fprintf(f, "'host:h%zu'", choose(seed, HOSTS / 2) + number * (HOSTS / 2));
    else
        fprintf(f, "'%s%s'", number ? "203.0.113." : "", number ? "7" : prefix(seed));
}

static void write_end(FILE *f, uint32_t *seed, const char *name) {
    fprintf(f, "'%s': [", name);
    write_selector(f, seed, 0);
    if (choose(seed, 2)) {
        fprintf(f, ", ");
        write_selector(f, seed, 1);
    }
    fprintf(f, "], ");
}

static void write_flow(FILE *f, uint32_t *seed, size_t i) {
    static const char *const protocols[] = { "tcp", "udp", "tcp+udp" };
    size_t lo = PORT_FIRST + choose(seed, PORT_COUNT), hi = lo + choose(seed, 6);

    fprintf(f, "%s{'id': 'f%zu', ", i ? ", " : "", i);
    write_end(f, seed, "from");
    write_end(f, seed, "to");
    if (choose(seed, 8) == 0)
        fprintf(f, "'services': ['icmp/echo-request']}");
    else
        fprintf(f, "'services': ['%s/%zu-%zu']}", protocols[choose(seed, ARRAY_SIZE(protocols))],
                lo, hi + 1);
}

static char *site_text(uint32_t *seed) {
    char *text = NULL;
    size_t size, n = choose(seed, 5);
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    fprintf(f, "{'format': 1, 'site': 's', 'ingress': '%s', ", modes(seed));
    fprintf(f, "'egress': '%s', 'hosts': {", modes(seed));
    write_hosts(f, seed);
    fprintf(f, "}, 'products': {'p': {");
    write_product(f, seed);
    fprintf(f, "}}, 'flows': [");
    for (size_t i = 0; i < n; i++)
        write_flow(f, seed, i);
    fprintf(f, "]}");
    assert_int_equal(fclose(f), 0);
    return text;
}

/* Some are refused, such as one with a row that means nobody: then another is made. */
static void site_make(uint32_t *seed, struct loaded *ret) {
    _cleanup_(freep) char *policy = json_text(policy_text);
    const struct source policies = { "p.json", policy, strlen(policy) };
    int r = FILES_E_INVALID;

    for (unsigned i = 0; i < 50 && r != 0; i++) {
        _cleanup_(freep) char *quoted = site_text(seed), *text = json_text(quoted);
        const struct source site = { "site.json", text, strlen(text) };
        struct report mistakes = REPORT_INIT;

        r = sources_load(&policies, 1, &site, 1, ret, &mistakes);
        if (r != 0 && i == 49)
            report_print(&mistakes, stderr);
        report_clear(&mistakes);
    }
    assert_int_equal(r, 0);
}

/* --- packets --- */

struct cells {
    struct address *items; /* where a stretch of addresses begins that every row treats alike */
    size_t n;
};

static void cell_add(struct cells *c, const struct address *a) {
    for (size_t i = 0; i < c->n; i++)
        if (address_compare(&c->items[i], a) == 0)
            return;
    c->items = reallocarray(c->items, c->n + 1, sizeof(*c->items));
    assert_non_null(c->items);
    c->items[c->n++] = *a;
}

static void cells_add(struct cells *c, const struct intent *in, enum family f) {
    for (size_t i = 0; i < in->n_parties; i++)
        for (size_t j = 0; j < in->parties[i]->ranges[f].n; j++) {
            const struct range *r = &in->parties[i]->ranges[f].items[j];
            struct address behind;

            cell_add(c, &r->lo);
            if (address_next(&r->hi, f, &behind))
                cell_add(c, &behind);
        }
}

/* Such packets go through lo. */
static bool is_own(const struct intent *in, enum family f, const struct address *a) {
    for (size_t i = 0; i < in->self.n_addresses; i++)
        if (in->self.addresses[i].family == f &&
            address_compare(&in->self.addresses[i].range.lo, a) == 0)
            return true;
    return false;
}

struct half {
    struct intent *intent;
    struct ruleset *rules, *all; /* as the modes say; as if all were enforced */
};

static struct half half_make(const struct loaded *l, const char *host) {
    struct half s = { .intent = example_intent(l, host) };
    struct intent enforced = *s.intent;

    enforced.modes[DIRECTION_IN] = enforced.modes[DIRECTION_OUT] = MODE_ENFORCE;
    assert_int_equal(policy_compile(s.intent, NULL, &s.rules), 0);
    assert_int_equal(policy_compile(&enforced, NULL, &s.all), 0);
    return s;
}

static void half_clear(struct half *s) {
    intent_free(s->intent);
    ruleset_free(s->rules);
    ruleset_free(s->all);
}

static bool concerns(const struct flow_change *c, size_t n, const struct packet *p,
                     const struct address *other) {
    uint16_t port = protocol_has_ports(p->protocol) ? p->destination_port : p->icmp_type;

    for (size_t i = 0; i < n; i++)
        if (change_concerns(&c[i], p->direction, p->protocol, port, p->family, other))
            return true;
    return false;
}

struct trial {
    struct half then, now;
    struct changes *changes;
    size_t n_packets, n_opened, n_closed;
};

/* The rows by themselves, then what the modes make of them: nothing is denied where they don't
 * enforce. */
static void try_packet(struct trial *t, const struct packet *p, const struct address *other) {
    const struct changes *c = t->changes;
    bool was = ruleset_eval(t->then.all, p).accepted, is = ruleset_eval(t->now.all, p).accepted;

    assert_int_equal(concerns(c->opened, c->n_opened, p, other), is && !was);
    assert_int_equal(concerns(c->closed, c->n_closed, p, other), was && !is);
    assert_int_equal(ruleset_eval(t->then.rules, p).accepted,
                     was || !preview_denies(t->then.intent, p->direction));
    assert_int_equal(ruleset_eval(t->now.rules, p).accepted,
                     is || !preview_denies(t->now.intent, p->direction));
    t->n_packets++;
    t->n_opened += is && !was;
    t->n_closed += was && !is;
}

static void try_services(struct trial *t, enum direction d, enum family f,
                         const struct address *other) {
    static const uint16_t outer[] = { 1, PORT_FIRST - 1, PORT_FIRST + PORT_COUNT + 8, UINT16_MAX };
    struct packet p = { .direction = d,
                        .family = f,
                        .source_port = 40000,
                        .ct_state = CT_STATE_NEW,
                        .destination_type = ADDRESS_TYPE_UNICAST };

    *(d == DIRECTION_IN ? &p.source : &p.destination) = *other;
    for (size_t i = 0; i < 2; i++) {
        p.protocol = i ? PROTOCOL_UDP : PROTOCOL_TCP;
        for (size_t j = 0; j < ARRAY_SIZE(outer); j++) {
            p.destination_port = outer[j];
            try_packet(t, &p, other);
        }
        for (p.destination_port = PORT_FIRST; p.destination_port < PORT_FIRST + PORT_COUNT + 8;
             p.destination_port++)
            try_packet(t, &p, other);
    }
    p.destination_port = p.source_port = 0;
    p.protocol = f == FAMILY_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
    p.icmp_type = f == FAMILY_IPV4 ? 8 : 128; /* echo request: RFC 792, RFC 4443 section 4.1 */
    try_packet(t, &p, other);
}

static void try_all(struct trial *t) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        struct cells cells = { 0 };

        cell_add(&cells, &(struct address){ 0 });
        cells_add(&cells, t->then.intent, f);
        cells_add(&cells, t->now.intent, f);
        for (size_t i = 0; i < cells.n; i++)
            for (enum direction d = 0; d < DIRECTION_MAX; d++)
                if (!is_own(t->then.intent, f, &cells.items[i]) &&
                    !is_own(t->now.intent, f, &cells.items[i]))
                    try_services(t, d, f, &cells.items[i]);
        free(cells.items);
    }
}

/* --- plans --- */

static json_t *mode_of(json_t *planned, enum direction d) {
    json_t *mode;
    size_t i;

    json_array_foreach(json_object_get(planned, "modes"), i,
                       mode) if (strcmp(json_string_value(json_object_get(mode, "direction")),
                                        direction_name(d)) == 0) return mode;
    return NULL;
}

/* The plan has the very changes that were held against the rules, and the modes. */
static void check_plan(const struct trial *t) {
    json_t *planned = preview_json(t->then.intent, t->now.intent);
    json_t *opened = json_object_get(planned, "opened"),
           *closed = json_object_get(planned, "closed");

    assert_int_equal(json_array_size(opened), t->changes->n_opened);
    assert_int_equal(json_array_size(closed), t->changes->n_closed);
    for (size_t i = 0; i < t->changes->n_opened; i++) {
        _cleanup_(freep) char *text = change_text(&t->changes->opened[i]);

        assert_string_equal(json_string_value(json_object_get(json_array_get(opened, i), "text")),
                            text);
    }
    for (enum direction d = 0; d < DIRECTION_MAX; d++) {
        json_t *mode = mode_of(planned, d);

        assert_int_equal(mode != NULL, t->then.intent->modes[d] != t->now.intent->modes[d]);
        if (mode)
            assert_string_equal(json_string_value(json_object_get(mode, "to")),
                                mode_name(t->now.intent->modes[d]));
    }
    assert_int_equal(preview_is_empty(planned), t->changes->n_opened + t->changes->n_closed == 0 &&
                                                    !mode_of(planned, DIRECTION_IN) &&
                                                    !mode_of(planned, DIRECTION_OUT));
    json_decref(planned);
}

static void test_random_pairs(void **state _unused_) {
    struct trial total = { 0 };
    uint32_t seed = 7;
    unsigned n_changed = 0;

    for (unsigned i = 0; i < PAIRS; i++) {
        struct loaded a = { 0 }, b = { 0 };
        struct trial t = { 0 };
        char host[8];

        snprintf(host, sizeof(host), "h%u", i % HOSTS);
        site_make(&seed, &a);
        site_make(&seed, &b);
        t.then = half_make(&a, host);
        t.now = half_make(&b, host);
        assert_int_equal(changes_find(t.then.intent, t.now.intent, &t.changes), 0);
        try_all(&t);
        check_plan(&t);
        n_changed += t.n_opened + t.n_closed > 0;
        total.n_packets += t.n_packets;
        total.n_opened += t.n_opened;
        total.n_closed += t.n_closed;
        changes_free(t.changes);
        half_clear(&t.then);
        half_clear(&t.now);
        loaded_clear(&a);
        loaded_clear(&b);
    }
    print_message("%u pairs of sites, %u differ: of %zu packets %zu are opened, %zu closed\n",
                  PAIRS, n_changed, total.n_packets, total.n_opened, total.n_closed);
    assert_true(n_changed > PAIRS / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_pairs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
