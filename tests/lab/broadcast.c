/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The agreement about broadcast, with real packets: who may send to the broadcast addresses of
 * the link, and who takes it. A prefix can't say this, because the address belongs to no host;
 * the one row that needs it is the discovery of the telephony servers. The other ports show
 * what must not leave (the port beside it, a row for addresses only) and what must (DHCP).
 *
 *   lab-broadcast TABLE SITE POLICY-DIR */
#include "evaluator.h"
#include "ports.h"
#include "prober.h"
#include "table.h"

#include <stdio.h>
#include <string.h>

static const uint16_t cast_ports[] = { 67, 68, 137, 138, 20202, 20203, 20645 };

struct casting {
    const struct table *table;
    const struct evaluator *evaluator;
    struct prober *prober;
    bool *got;
    size_t n_sent, n_left, n_taken, n_mismatches;
};

static void mismatch(struct casting *c, size_t x, const char *what, const char *whom,
                     const uint8_t *address, uint16_t port, const bool says[static 3]) {
    c->n_mismatches++;
    printf("%s to %u.%u.%u.%u udp/%u %s%s: kernel %s, evaluator %s, table %s\n",
           c->table->hosts[x].name, address[0], address[1], address[2], address[3], port, what,
           whom, says[0] ? "yes" : "no", says[1] ? "yes" : "no", says[2] ? "yes" : "no");
}

/* 255.255.255.255 is for everybody on the link, even who has no IPv4 address; 10.1.0.255 for
 * those who share the prefix. */
static bool is_addressed(const struct table_host *y, const uint8_t *address) {
    return address[0] == 255 || (y->has[LAB_IPV4] && memcmp(y->address[LAB_IPV4], address, 3) == 0);
}

static int cast(struct casting *c, size_t x, const uint8_t *address, uint16_t port) {
    const struct table_host *h = c->table->hosts;
    enum lab_verdict verdict;
    bool leaves[3], takes[3];
    int r;

    r = prober_cast(c->prober, x, address, port, c->got, &verdict);
    if (r < 0)
        return r;
    leaves[0] = verdict == LAB_ALLOWED;
    leaves[1] = evaluator_allows_broadcast(c->evaluator, LAB_EGRESS, x, x, address, port);
    leaves[2] = table_allows_broadcast(c->table, &h[x], address, port);
    c->n_sent++;
    c->n_left += leaves[0];
    if (leaves[0] != leaves[1] || leaves[0] != leaves[2])
        mismatch(c, x, "leaves", "", address, port, leaves);
    for (size_t y = 0; y < c->table->n_hosts; y++) {
        bool arrives = leaves[0] && is_addressed(&h[y], address);

        if (y == x)
            continue;
        takes[0] = c->got[y];
        takes[1] =
            arrives && evaluator_allows_broadcast(c->evaluator, LAB_INGRESS, y, x, address, port);
        takes[2] = arrives &&
                   table_end_allows(c->table, LAB_INGRESS, &h[x], &h[y], LAB_IPV4, LAB_UDP, port);
        c->n_taken += takes[0];
        if (takes[0] != takes[1] || takes[0] != takes[2])
            mismatch(c, x, "is taken by ", h[y].name, address, port, takes);
    }
    return 0;
}

static int cast_all(struct casting *c) {
    const struct table *t = c->table;
    int r = 0;

    for (size_t x = 0; x < t->n_hosts; x++) {
        uint8_t everybody[] = { 255, 255, 255, 255 }, prefix[4];

        if (!t->hosts[x].has[LAB_IPV4])
            continue;
        memcpy(prefix, t->hosts[x].address[LAB_IPV4], 3);
        prefix[3] = 255;
        for (size_t i = 0; r == 0 && i < ARRAY_SIZE(cast_ports); i++) {
            r = cast(c, x, everybody, cast_ports[i]);
            if (r == 0)
                r = cast(c, x, prefix, cast_ports[i]);
        }
    }
    if (r < 0)
        fprintf(stderr, "the lab is broken: %s\n", strerror(-r));
    return r;
}

int main(int argc, char **argv) {
    _cleanup_(table_freep) struct table *t = NULL;
    _cleanup_(evaluator_freep) struct evaluator *e = NULL;
    _cleanup_(ports_clear) struct ports ports = { .n = 0 };
    _cleanup_(prober_freep) struct prober *prober = NULL;
    _cleanup_(freep) bool *got = NULL;
    struct casting c;

    if (argc != 4) {
        fprintf(stderr, "usage: %s TABLE SITE POLICY-DIR\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < ARRAY_SIZE(cast_ports); i++)
        ports_add_range(&ports, cast_ports[i], cast_ports[i]);
    t = table_load(argv[1]);
    e = t ? evaluator_new(argv[2], argv[3], t) : NULL;
    if (!e || ports_finish(&ports) < 0)
        return 1;
    prober = prober_new(t, &ports);
    got = calloc(t->n_hosts, sizeof(*got));
    c = (struct casting){ t, e, prober, got, 0, 0, 0, 0 };
    if (!prober || !got || cast_all(&c) < 0)
        return 1;
    printf("%zu broadcasts, %zu left, %zu times taken, %zu mismatches\n", c.n_sent, c.n_left,
           c.n_taken, c.n_mismatches);
    return c.n_sent > 0 && c.n_mismatches == 0 && prober_strays(prober) == 0 ? 0 : 1;
}
