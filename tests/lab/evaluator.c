/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Translates between the hand table's words and the engine's, and nothing else: what a server
 * lets pass is for ruleset_eval() to say, which host it is for intent_resolve(). */
#include "evaluator.h"

#include "engine/eval.h"
#include "engine/intent.h"
#include "engine/resolved.h"
#include "engine/ruleset.h"
#include "files/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Any port that no row names. */
#define SOURCE_PORT         50000U
#define ICMP_ECHO_REQUEST   8U
#define ICMPV6_ECHO_REQUEST 128U
#define TCP_SYN             2U

struct evaluator {
    const struct table *table;
    struct intent **intents; /* by host; NULL: runs no portd */
    struct ruleset **rulesets;
    struct resolved names; /* as the table has them */
};

static int host_compile(struct evaluator *e, size_t i, const struct loaded *l,
                        struct report *reterr) {
    const char *name = e->table->hosts[i].name;
    int r;

    r = intent_resolve(loaded_policies(l), l->n_policies, l->site, &name, 1, &e->intents[i],
                       reterr);
    if (r != 0)
        return r;
    return policy_compile(e->intents[i], &e->names, &e->rulesets[i]);
}

/* The addresses of a family stand in the table in their order, as those of an answer do. */
static int name_answer(struct evaluator *e, const struct table_group *g) {
    struct resolution answer = { .name = g->name, .is_answered = { true, true }, .ttl = 1 };
    int r;

    for (size_t i = 0; i < g->party.n_prefixes; i++) {
        const struct table_prefix *p = &g->party.prefixes[i];
        enum family f = p->family == LAB_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6;

        memcpy(answer.addresses[f][answer.n_addresses[f]++].bytes, p->address, LAB_ADDRESS_SIZE);
    }
    r = resolved_take(&e->names, &answer, 1);
    return r == 1 ? 0 : r < 0 ? r : -EINVAL;
}

static int name_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int names_answer(struct evaluator *e) {
    const struct table *t = e->table;
    _cleanup_(freep) const char **names = calloc(t->n_groups + 1, sizeof(*names));
    size_t n = 0;
    int r;

    if (!names)
        return -ENOMEM;
    for (size_t i = 0; i < t->n_groups; i++)
        if (t->groups[i].is_dns_name)
            names[n++] = t->groups[i].name;
    qsort(names, n, sizeof(*names), name_compare);
    r = resolved_need(&e->names, names, n);
    for (size_t i = 0; r >= 0 && i < t->n_groups; i++)
        if (t->groups[i].is_dns_name)
            r = name_answer(e, &t->groups[i]);
    return r < 0 ? r : 0;
}

static int hosts_compile(struct evaluator *e, const struct loaded *l, struct report *reterr) {
    size_t n = 0;
    int r = 0;

    for (size_t i = 0; r == 0 && i < e->table->n_hosts; i++) {
        if (!e->table->hosts[i].roles)
            continue;
        n++;
        r = host_compile(e, i, l, reterr);
    }
    if (r == 0 && n != l->site->n_hosts) {
        fprintf(stderr, "the table has %zu hosts with portd, the site %zu\n", n, l->site->n_hosts);
        r = -EINVAL;
    }
    return r;
}

struct evaluator *evaluator_new(const char *site, const char *policy_dir, const struct table *t) {
    _cleanup_(evaluator_freep) struct evaluator *e = calloc(1, sizeof(*e));
    struct report report = REPORT_INIT;
    struct loaded loaded = { .n_policies = 0 };
    int r;

    if (!e)
        return NULL;
    e->table = t;
    e->intents = calloc(t->n_hosts, sizeof(*e->intents));
    e->rulesets = calloc(t->n_hosts, sizeof(*e->rulesets));
    if (!e->intents || !e->rulesets)
        return NULL;
    r = names_answer(e);
    if (r == 0)
        r = files_load(site, &policy_dir, 1, NULL, &loaded, &report);
    if (r == 0)
        r = hosts_compile(e, &loaded, &report);
    report_print(&report, stderr);
    if (r < 0)
        fprintf(stderr, "%s: %s\n", site, strerror(-r));
    report_clear(&report);
    loaded_clear(&loaded);
    return r == 0 ? TAKE_PTR(e) : NULL;
}

struct evaluator *evaluator_free(struct evaluator *e) {
    if (!e)
        return NULL;
    for (size_t i = 0; e->intents && e->rulesets && i < e->table->n_hosts; i++) {
        ruleset_free(e->rulesets[i]);
        intent_free(e->intents[i]);
    }
    resolved_clear(&e->names);
    free(e->rulesets);
    free(e->intents);
    free(e);
    return NULL;
}

static struct address address_of(const struct table_host *h, enum lab_family f) {
    struct address a;

    static_assert(sizeof(a.bytes) == sizeof(h->address[0]), "the same bytes");
    memcpy(a.bytes, h->address[f], sizeof(a.bytes));
    return a;
}

/* The first packet of a connection, at one of its ends. */
static struct packet packet_of(enum lab_end end, const struct table_host *from,
                               const struct table_host *to, enum lab_family f, enum lab_protocol p,
                               uint16_t port) {
    struct packet packet = {
        .direction = end == LAB_EGRESS ? DIRECTION_OUT : DIRECTION_IN,
        .family = f == LAB_IPV4 ? FAMILY_IPV4 : FAMILY_IPV6,
        .source = address_of(from, f),
        .destination = address_of(to, f),
        .ct_state = CT_STATE_NEW,
        .ct_direction = CT_ORIGINAL,
        .destination_type = end == LAB_EGRESS ? ADDRESS_TYPE_UNICAST : ADDRESS_TYPE_LOCAL,
    };

    if (p == LAB_ECHO) {
        packet.protocol = f == LAB_IPV4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6;
        packet.icmp_type = f == LAB_IPV4 ? ICMP_ECHO_REQUEST : ICMPV6_ECHO_REQUEST;
        return packet;
    }
    packet.protocol = p == LAB_TCP ? PROTOCOL_TCP : PROTOCOL_UDP;
    packet.tcp_flags = p == LAB_TCP ? TCP_SYN : 0;
    packet.source_port = SOURCE_PORT;
    packet.destination_port = port;
    return packet;
}

void evaluator_open_ports(const struct evaluator *e, enum lab_end end, size_t self,
                          const struct table_host *other, enum lab_family f, enum lab_protocol p,
                          const struct ports *only, bool ret_open[static LAB_PORTS]) {
    const struct table_host *own = &e->table->hosts[self];
    const struct table_host *from = end == LAB_EGRESS ? own : other;
    const struct table_host *to = end == LAB_EGRESS ? other : own;
    struct packet packet = packet_of(end, from, to, f, p, 0);
    size_t n = p == LAB_ECHO ? 1 : only ? only->n : LAB_PORTS;

    for (size_t i = 0; i < n; i++) {
        uint16_t port = only && p != LAB_ECHO ? only->items[i] : (uint16_t)i;

        packet.destination_port = port;
        ret_open[port] = ruleset_eval(e->rulesets[self], &packet).accepted;
    }
}

enum lab_verdict evaluator_verdict(const struct evaluator *e, size_t x, size_t y, enum lab_family f,
                                   enum lab_protocol p, uint16_t port) {
    const struct table_host *from = &e->table->hosts[x], *to = &e->table->hosts[y];
    struct packet out = packet_of(LAB_EGRESS, from, to, f, p, port);
    struct packet in = packet_of(LAB_INGRESS, from, to, f, p, port);

    if (e->rulesets[x] && !ruleset_eval(e->rulesets[x], &out).accepted)
        return LAB_REFUSED;
    if (e->rulesets[y] && !ruleset_eval(e->rulesets[y], &in).accepted)
        return LAB_DROPPED;
    return LAB_ALLOWED;
}

bool evaluator_allows_broadcast(const struct evaluator *e, enum lab_end end, size_t self, size_t x,
                                const uint8_t address[static 4], uint16_t port) {
    struct table_host everybody = { .has = { true, false } };
    struct packet packet;

    if (!e->rulesets[self])
        return true;
    memcpy(everybody.address[LAB_IPV4], address, 4);
    packet = packet_of(end, &e->table->hosts[x], &everybody, LAB_IPV4, LAB_UDP, port);
    packet.destination_type = ADDRESS_TYPE_BROADCAST;
    return ruleset_eval(e->rulesets[self], &packet).accepted;
}

void evaluator_add_ports(const struct evaluator *e, struct ports *ports) {
    for (size_t i = 0; i < e->table->n_hosts; i++)
        for (size_t k = 0; e->intents[i] && k < e->intents[i]->n_flows; k++) {
            const struct intent_flow *f = &e->intents[i]->flows[k];

            for (size_t s = 0; s < f->n_services; s++)
                if (protocol_has_ports(f->services[s].protocol))
                    ports_add_range(ports, f->services[s].lo, f->services[s].hi);
        }
}
