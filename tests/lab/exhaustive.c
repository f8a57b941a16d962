/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the agreement that needs no packets, and so can afford every question: for a host
 * of each role all 65,536 ports (0 as well, which nothing may open), TCP and UDP, both
 * directions, both families, from and to every other host and outsider; then, around every
 * prefix of the table, its first and last address and the ones just beyond, on the ports of the
 * rows and their neighbours.
 *
 *   lab-exhaustive TABLE SITE POLICY-DIR [STEP]
 *
 * With a step above 1 it is only every STEP-th port besides those of the rows: for a sanitized
 * build, which takes ten times as long. */
#include "evaluator.h"
#include "ports.h"
#include "table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MISMATCHES_MAX 50U /* to print */

struct comparison {
    const struct table *table;
    const struct evaluator *evaluator;
    struct ports ports;   /* of the rows */
    struct ports sampled; /* the rows' and every so many; empty: all are asked about */
    bool by_table[LAB_PORTS], by_evaluator[LAB_PORTS];
    size_t questions, mismatches;
};

static const char *const end_names[] = { [LAB_INGRESS] = "from", [LAB_EGRESS] = "to" };
static_assert(ARRAY_SIZE(end_names) == LAB_END_MAX, "an end has no name");

static void compare_port(struct comparison *c, enum lab_end end, const struct table_host *self,
                         const struct table_host *other, enum lab_family f, enum lab_protocol p,
                         unsigned port) {
    bool by_table = c->by_table[port], by_evaluator = c->by_evaluator[port];

    c->questions++;
    if (by_table == by_evaluator || c->mismatches++ >= MISMATCHES_MAX)
        return;
    printf("%s %s %s %s %s/%u: evaluator %s, table %s\n", self->name, end_names[end], other->name,
           lab_family_names[f], lab_protocol_names[p], port, by_evaluator ? "open" : "shut",
           by_table ? "open" : "shut");
}

/* `only`: these ports; NULL: all. */
static void compare(struct comparison *c, size_t self, const struct table_host *other,
                    enum lab_end end, enum lab_family f, enum lab_protocol p,
                    const struct ports *only) {
    const struct table_host *own = &c->table->hosts[self];
    size_t n = p == LAB_ECHO ? 1 : only ? only->n : LAB_PORTS;

    table_open_ports(c->table, end, end == LAB_EGRESS ? own : other,
                     end == LAB_EGRESS ? other : own, f, p, c->by_table);
    evaluator_open_ports(c->evaluator, end, self, other, f, p, only, c->by_evaluator);
    for (size_t i = 0; i < n; i++)
        compare_port(c, end, own, other, f, p,
                     only && p != LAB_ECHO ? only->items[i] : (unsigned)i);
}

static void compare_ends(struct comparison *c, size_t self, const struct table_host *other,
                         const struct ports *only) {
    for (enum lab_family f = 0; f < LAB_FAMILY_MAX; f++)
        for (enum lab_end end = 0; end < LAB_END_MAX; end++)
            for (enum lab_protocol p = 0; p < LAB_PROTOCOL_MAX; p++)
                if (c->table->hosts[self].has[f] && other->has[f])
                    compare(c, self, other, end, f, p, only);
}

/* Adds one to an address, or takes one away. */
static void step(uint8_t *address, size_t size, bool up) {
    for (size_t i = size; i-- > 0;) {
        address[i] = (uint8_t)(up ? address[i] + 1 : address[i] - 1);
        if (address[i] != (up ? 0x00 : 0xff))
            return;
    }
}

static void set_behind(uint8_t *address, size_t size, unsigned length) {
    for (size_t i = length; i < size * 8; i++)
        address[i / 8] |= (uint8_t)(0x80 >> i % 8);
}

static void compare_edges(struct comparison *c, size_t self, const struct table_prefix *p) {
    size_t size = p->family == LAB_IPV4 ? 4 : 16;

    for (unsigned edge = 0; edge < 4; edge++) {
        bool is_last = edge & 1, is_beyond = edge & 2;
        struct table_host h = { .roles = 0 };
        uint8_t *address = h.address[p->family];
        char text[INET6_ADDRSTRLEN] = "";

        h.has[p->family] = true;
        memcpy(address, p->address, size);
        if (is_last)
            set_behind(address, size, p->length);
        if (is_beyond)
            step(address, size, is_last);
        inet_ntop(p->family == LAB_IPV4 ? AF_INET : AF_INET6, address, text, sizeof(text));
        snprintf(h.name, sizeof(h.name), "%.*s", (int)sizeof(h.name) - 1, text);
        compare_ends(c, self, &h, &c->ports);
    }
}

static void compare_host(struct comparison *c, size_t self) {
    const struct table *t = c->table;

    for (size_t i = 0; i < t->n_hosts; i++)
        if (i != self)
            compare_ends(c, self, &t->hosts[i], c->sampled.n > 0 ? &c->sampled : NULL);
    for (size_t i = 0; i < t->n_groups; i++)
        for (size_t k = 0; k < t->groups[i].party.n_prefixes; k++)
            compare_edges(c, self, &t->groups[i].party.prefixes[k]);
}

static bool run(struct comparison *c) {
    const struct table *t = c->table;
    uint32_t roles = 0;
    unsigned n = 0;

    for (size_t i = 0; i < t->n_hosts; i++) {
        if (!(t->hosts[i].roles & ~roles))
            continue; /* an outsider, or each of its roles was asked about */
        roles |= t->hosts[i].roles;
        n++;
        compare_host(c, i);
    }
    printf("%u hosts with %zu roles: %zu questions, %zu mismatches\n", n, t->n_roles, c->questions,
           c->mismatches);
    return c->questions > 0 && c->mismatches == 0;
}

static int ports_choose(struct comparison *c, unsigned long step) {
    int r;

    table_add_ports(c->table, &c->ports);
    evaluator_add_ports(c->evaluator, &c->ports);
    r = ports_finish(&c->ports);
    if (r < 0 || step <= 1)
        return r;
    memcpy(c->sampled.member, c->ports.member, sizeof(c->ports.member));
    for (unsigned long i = 0; i < LAB_PORTS; i += step)
        c->sampled.member[i] = true;
    return ports_finish(&c->sampled);
}

int main(int argc, char **argv) {
    _cleanup_(table_freep) struct table *t = NULL;
    _cleanup_(evaluator_freep) struct evaluator *e = NULL;
    static struct comparison c;
    bool agreed;

    if (argc != 4 && argc != 5) {
        fprintf(stderr, "usage: %s TABLE SITE POLICY-DIR [STEP]\n", argv[0]);
        return 2;
    }
    t = table_load(argv[1]);
    e = t ? evaluator_new(argv[2], argv[3], t) : NULL;
    if (!e)
        return 1;
    c.table = t;
    c.evaluator = e;
    if (ports_choose(&c, argc == 5 ? strtoul(argv[4], NULL, 10) : 1) < 0)
        return 1;
    agreed = run(&c);
    ports_clear(&c.ports);
    ports_clear(&c.sampled);
    return agreed ? 0 : 1;
}
