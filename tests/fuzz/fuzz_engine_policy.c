/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy is refused exactly when the report has something to say, and loading it twice gives the
 * same value or the same report; so does checking a site against what was understood of it. */
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

/* A site that names much of what a policy may have. */
static void check(const struct policy *p, FILE *f) {
    static const char text[] =
        "{\"format\":1,\"site\":\"s\",\"products\":{\"acd\":{\"features\":{\"ha\":true},"
        "\"ports\":{\"rest\":1,\"smtp\":26},\"peers\":{\"web\":\"any\"}}},\"hosts\":{\"h\":{"
        "\"addresses\":[\"10.0.0.1\"],\"roles\":[\"acd/LB\",\"acd/DB\"]}}}";
    struct source source = { "site.json", text, strlen(text) };
    struct report report = REPORT_INIT;
    struct site *s = NULL;

    oracle(site_load(&source, 1, &s, &report) == 0);
    outcome_check(site_check(s, &p, 1, &report), &report);
    report_print(&report, f);
    report_clear(&report);
    site_free(s);
}

static char *load(const struct source *source, size_t *ret_size) {
    struct report report = REPORT_INIT;
    struct policy *p = NULL;
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_size);
    int r;

    r = policy_load(source, &p, &report);
    outcome_check(r, &report);
    oracle(r == 0 ? p && !p->is_draft : !p || p->is_draft);
    report_print(&report, f);
    if (r == 0)
        policy_print(p, f);
    check(p, f);
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
