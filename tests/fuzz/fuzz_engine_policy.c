/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy is refused exactly when the report has something to say, and loading it twice gives the
 * same value or the same report. */
#include "loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void policy_print(const struct policy *p, FILE *f) {
    fprintf(f, "%s|%s|%s\n", p->product, p->title, p->source);
    for (size_t i = 0; i < p->notes.n; i++)
        fprintf(f, "%s\n", p->notes.items[i].text);
    for (size_t i = 0; i < p->n_roles; i++)
        fprintf(f, "%s|%s\n", p->roles[i].name, p->roles[i].title);
    for (size_t i = 0; i < p->n_peers; i++)
        fprintf(f, "%s|%s|%d\n", p->peers[i].name, p->peers[i].title, p->peers[i].default_any);
    for (size_t i = 0; i < p->n_features; i++)
        fprintf(f, "%s|%d\n", p->features[i].name, p->features[i].default_on);
    for (size_t i = 0; i < p->n_ports; i++) {
        oracle(p->ports[i].number > 0);
        fprintf(f, "%s|%d|%d|%zu\n", p->ports[i].name, p->ports[i].number, p->ports[i].fixed,
                p->ports[i].n_choices);
    }
    flows_print(p->flows, p->n_flows, f);
}

static char *load(const struct source *source, size_t *ret_size) {
    struct report report = REPORT_INIT;
    struct policy *p = NULL;
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_size);

    outcome_check(policy_load(source, &p, &report), p, &report);
    report_print(&report, f);
    if (p)
        policy_print(p, f);
    fclose(f);
    policy_free(p);
    report_clear(&report);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_(freep) char *copy = text_copy(data, size);
    struct source source = { "p.json", copy, size };
    size_t n_first, n_second;
    char *first = load(&source, &n_first), *second = load(&source, &n_second);

    oracle(n_first == n_second && memcmp(first, second, n_first) == 0);
    free(first);
    free(second);
    return 0;
}
