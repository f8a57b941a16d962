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

#include "random_site.h"

#define PAIRS 500U

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
        random_site(&seed, &a);
        random_site(&seed, &b);
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
