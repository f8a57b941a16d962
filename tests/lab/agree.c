/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The three-way agreement: for each probe the kernel (real packets), the engine's evaluator and
 * the table written by hand have to give the same verdict, and so have to agree at which end a
 * packet was stopped. Two that agree prove little, as one mistake can stand in both; all three
 * were written apart from each other.
 *
 *   lab-agree TABLE N SITE POLICY-DIR     hosts with their rules
 *   lab-agree TABLE N                     no rules anywhere: every probe has to arrive. This is
 *                                         the proof that what is missed later, a rule stopped
 *
 * N ports are random, besides those that the table or the policies name. */
#include "evaluator.h"
#include "ports.h"
#include "prober.h"
#include "table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED           UINT64_C(20241)
#define MISMATCHES_MAX 50U /* to print */

struct agreement {
    const struct table *table;
    const struct evaluator *evaluator; /* NULL: no rules */
    struct prober *prober;
    const struct ports *ports;
    bool *patient;
    enum lab_verdict *kernel, *by_evaluator, *by_table;
    size_t probes, mismatches, counts[LAB_VERDICT_MAX];
};

static void expect(struct agreement *a, size_t i, size_t x, size_t y, enum lab_family f,
                   enum lab_protocol p, uint16_t port) {
    a->by_evaluator[i] = a->by_table[i] = LAB_ALLOWED;
    if (a->evaluator) {
        const struct table_host *h = a->table->hosts;

        a->by_evaluator[i] = evaluator_verdict(a->evaluator, x, y, f, p, port);
        a->by_table[i] = table_verdict(a->table, &h[x], &h[y], f, p, port);
    }
    a->patient[i] = a->by_evaluator[i] == LAB_ALLOWED || a->by_table[i] == LAB_ALLOWED;
}

static void compare(struct agreement *a, size_t i, size_t x, size_t y, enum lab_family f,
                    enum lab_protocol p, uint16_t port) {
    a->probes++;
    a->counts[a->kernel[i]]++;
    if (a->kernel[i] == a->by_evaluator[i] && a->kernel[i] == a->by_table[i])
        return;
    if (a->mismatches++ >= MISMATCHES_MAX)
        return;
    printf("%s -> %s %s %s", a->table->hosts[x].name, a->table->hosts[y].name, lab_family_names[f],
           lab_protocol_names[p]);
    if (p != LAB_ECHO)
        printf("/%u", port);
    printf(": kernel %s, evaluator %s, table %s\n", lab_verdict_names[a->kernel[i]],
           lab_verdict_names[a->by_evaluator[i]], lab_verdict_names[a->by_table[i]]);
}

static int probe_ports(struct agreement *a, size_t x, size_t y, enum lab_family f,
                       enum lab_protocol p) {
    const struct ports *ports = a->ports;
    int r;

    for (size_t i = 0; i < ports->n; i++)
        expect(a, i, x, y, f, p, ports->items[i]);
    r = prober_batch(a->prober, x, y, f, p, a->patient, a->kernel);
    for (size_t i = 0; r == 0 && i < ports->n; i++)
        compare(a, i, x, y, f, p, ports->items[i]);
    return r;
}

static int probe_pair(struct agreement *a, size_t x, size_t y) {
    const struct table_host *h = a->table->hosts;
    int r = 0;

    for (enum lab_family f = 0; r == 0 && f < LAB_FAMILY_MAX; f++) {
        if (!h[x].has[f] || !h[y].has[f])
            continue;
        expect(a, 0, x, y, f, LAB_ECHO, 0);
        a->kernel[0] = prober_echo(a->prober, x, y, f);
        compare(a, 0, x, y, f, LAB_ECHO, 0);
        r = probe_ports(a, x, y, f, LAB_TCP);
        if (r == 0)
            r = probe_ports(a, x, y, f, LAB_UDP);
    }
    return r;
}

static int probe_all(struct agreement *a) {
    const struct table *t = a->table;
    int r = 0;

    for (size_t x = 0; r == 0 && x < t->n_hosts; x++)
        for (size_t y = 0; r == 0 && y < t->n_hosts; y++)
            if (x != y && (t->hosts[x].roles || t->hosts[y].roles))
                r = probe_pair(a, x, y);
    if (r < 0)
        fprintf(stderr, "the lab is broken: %s\n", strerror(-r));
    return r;
}

static int ports_choose(struct ports *ports, const struct table *t, const struct evaluator *e,
                        size_t n_random) {
    table_add_ports(t, ports);
    if (e)
        evaluator_add_ports(e, ports);
    ports_add_random(ports, n_random, SEED);
    return ports_finish(ports);
}

static bool report(const struct agreement *a) {
    size_t strays = prober_strays(a->prober);

    printf("%zu allowed, %zu refused by the sender, %zu dropped by the receiver, %zu sent again\n",
           a->counts[LAB_ALLOWED], a->counts[LAB_REFUSED], a->counts[LAB_DROPPED],
           prober_retries(a->prober));
    if (strays > 0)
        printf("%zu packets came after the fence or to the wrong port\n", strays);
    printf("%zu probes, %zu mismatches\n", a->probes, a->mismatches);
    return a->probes > 0 && a->mismatches == 0 && strays == 0;
}

static int run(const struct table *t, const struct evaluator *e, const struct ports *ports) {
    _cleanup_(prober_freep) struct prober *prober = prober_new(t, ports);
    _cleanup_(freep) bool *patient = calloc(ports->n, sizeof(*patient));
    _cleanup_(freep) enum lab_verdict *verdicts = calloc(ports->n * 3, sizeof(*verdicts));
    struct agreement a = { t, e, prober, ports, patient, verdicts, .probes = 0 };

    if (!prober || !patient || !verdicts)
        return 1;
    a.by_evaluator = verdicts + ports->n;
    a.by_table = verdicts + 2 * ports->n;
    printf("%zu hosts, %zu ports of each protocol\n", t->n_hosts, ports->n);
    if (probe_all(&a) < 0)
        return 1;
    return report(&a) ? 0 : 1;
}

int main(int argc, char **argv) {
    _cleanup_(table_freep) struct table *t = NULL;
    _cleanup_(evaluator_freep) struct evaluator *e = NULL;
    _cleanup_(ports_clear) struct ports ports = { .n = 0 };

    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: %s TABLE N [SITE POLICY-DIR]\n", argv[0]);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    t = table_load(argv[1]);
    if (t && argc == 5)
        e = evaluator_new(argv[3], argv[4], t);
    if (!t || (argc == 5 && !e) || ports_choose(&ports, t, e, strtoul(argv[2], NULL, 10)) < 0)
        return 1;
    return run(t, e, &ports);
}
