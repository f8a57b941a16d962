/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A site and its drop-ins, separated by the control character RS (which JSON doesn't have), are
 * refused exactly when the report has something to say; so are they, and what was understood of
 * those that were refused, when they are checked against a policy. Loading twice gives the same. */
#include "loaded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEPARATOR '\x1e'
#define FILES_MAX 3

static const char policy_text[] =
    "{\"format\":1,\"product\":\"acd\",\"title\":\"t\",\"roles\":{\"LB\":{},\"DB\":{}},"
    "\"peers\":{\"web\":{\"default\":\"any\"},\"pbx\":{}},\"features\":{\"ha\":{}},"
    "\"ports\":{\"rest\":{\"default\":80},\"fix\":{\"default\":443,\"fixed\":true},"
    "\"smtp\":{\"default\":25,\"choices\":[25,465]}},\"flows\":[]}";

static void product_print(const struct site_product *p, FILE *f) {
    fprintf(f, "%s\n", p->name.text);
    for (size_t i = 0; i < p->n_features; i++)
        fprintf(f, "%s|%d\n", p->features[i].name.text, p->features[i].on);
    for (size_t i = 0; i < p->n_ports; i++)
        fprintf(f, "%s|%d\n", p->ports[i].name.text, p->ports[i].number);
    for (size_t i = 0; i < p->n_peers; i++) {
        fprintf(f, "%s|%d", p->peers[i].name.text, p->peers[i].any);
        prefixes_print(&p->peers[i].prefixes, f);
    }
}

static void site_print(const struct site *s, FILE *f) {
    fprintf(f, "%s|%s|%s|%s|%s|%s", filled(s->name), mode_name(s->ingress), mode_name(s->egress),
            deny_name(s->deny_ingress), deny_name(s->deny_egress), updates_name(s->updates));
    prefixes_print(&s->management, f);
    for (size_t i = 0; i < s->n_products; i++)
        product_print(&s->products[i], f);
    for (size_t i = 0; i < s->n_hosts; i++) {
        oracle(site_host(s, s->hosts[i].name) == &s->hosts[i]);
        fprintf(f, "%s|%s", filled(s->hosts[i].name), os_name(s->hosts[i].os));
        for (size_t j = 0; j < s->hosts[i].roles.n; j++)
            fprintf(f, "|%s", filled(s->hosts[i].roles.items[j].text));
        prefixes_print(&s->hosts[i].addresses, f);
    }
    flows_print(s->flows, s->n_flows, f);
}

static void check(const struct site *s, FILE *f) {
    struct source source = { "policy.json", policy_text, strlen(policy_text) };
    struct report report = REPORT_INIT;
    struct policy *policy = NULL;
    int r;

    oracle(policy_load(&source, &policy, &report) == 0);
    r = site_check(s, (const struct policy *const *)&policy, 1, &report);
    outcome_check(r, &report);
    report_print(&report, f);
    report_clear(&report);
    policy_free(policy);
}

static char *load(const struct source *sources, size_t n, size_t *ret_size) {
    struct report report = REPORT_INIT;
    struct site *s = NULL;
    char *text = NULL;
    FILE *f = open_memstream(&text, ret_size);
    int r;

    r = site_load(sources, n, &s, &report);
    outcome_check(r, &report);
    oracle(r == 0 ? s && !s->is_draft : !s || s->is_draft);
    report_print(&report, f);
    if (r == 0)
        site_print(s, f);
    if (s)
        check(s, f);
    fclose(f);
    site_free(s);
    report_clear(&report);
    return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const files[FILES_MAX] = { "site.json", "10.json", "20.json" };
    struct source sources[FILES_MAX];
    _cleanup_(freep) char *copy = text_copy(data, size);
    char *text = copy;
    size_t n = 0, n_first, n_second;
    char *first, *second;

    do {
        char *end = n + 1 < FILES_MAX && size ? memchr(text, SEPARATOR, size) : NULL;
        size_t length = end ? (size_t)(end - text) : size;

        sources[n] = (struct source){ files[n], text, length };
        n++;
        if (!end)
            break;
        *end = '\0';
        text = end + 1;
        size -= length + 1;
    } while (n < FILES_MAX);
    first = load(sources, n, &n_first);
    second = load(sources, n, &n_second);
    oracle(n_first == n_second && memcmp(first, second, n_first) == 0);
    free(first);
    free(second);
    return 0;
}
