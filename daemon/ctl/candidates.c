/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files are read as every verb reads them; the daemon is asked where it knows better, and not
 * waited for. */
#include "candidates.h"

#include "client.h"
#include "matrix.h"
#include "metrics.h"
#include "offline.h"
#include "print.h"

#include "base/quote.h"
#include "engine/explain.h"
#include "varlink/interface.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TIMEOUT_SEC 2U

void candidate_add(json_t *candidates, const char *text, const char *description) {
    size_t n = description ? strcspn(description, "\n") : 0;
    _cleanup_(freep) char *line = strndup(description ? description : "", n);
    _cleanup_(freep) char *safe = line ? text_escape(line) : NULL;

    if (safe && text_is_printable(text) && !json_object_get(candidates, text))
        (void)json_object_set_new(candidates, text, json_string(safe));
}

static void fill_formats(const struct options *line _unused_, const char *typed _unused_,
                         json_t *ret) {
    const char *name;

    for (size_t i = 0; (name = matrix_format_at(i)); i++)
        candidate_add(ret, name, NULL);
}

static void fill_expositions(const struct options *line _unused_, const char *typed _unused_,
                             json_t *ret) {
    const char *name;

    for (size_t i = 0; (name = metrics_format_at(i)); i++)
        candidate_add(ret, name, NULL);
}

static void fill_durations(const struct options *line _unused_, const char *typed _unused_,
                           json_t *ret) {
    static const char *const usual[] = { "5m", "10m", "30m", "1h", "2h" };

    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        candidate_add(ret, usual[i], NULL);
}

static void fill_days(const struct options *line _unused_, const char *typed _unused_,
                      json_t *ret) {
    static const char *const usual[] = { "7", "30", "90", "365" };

    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        candidate_add(ret, usual[i], NULL);
}

/* --- from the policies --- */

static void fill_products(const struct options *line, const char *typed _unused_, json_t *ret) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };

    if (offline_load(line, false, &l) != STATUS_FINE)
        return;
    for (size_t i = 0; i < l.n_policies; i++)
        candidate_add(ret, l.policies[i]->product, l.policies[i]->title);
}

/* Whether the command line names the product, or none. */
static bool is_chosen(const struct options *line, const char *product) {
    for (size_t i = 1; i < line->n_words; i++)
        if (strcmp(line->words[i], product) == 0)
            return true;
    return line->n_words <= 1;
}

/* "acd-lb1=ACD-LB,ACD-JB": the last of the roles is being typed. With several products to choose
 * from each is named with its own. */
static void fill_roles_of(const struct options *line, const struct policy *p, const char *typed,
                          json_t *ret) {
    const char *comma = strrchr(typed, ',');
    size_t before = (comma ? (size_t)(comma - typed) : strcspn(typed, "=")) + 1;
    bool is_one = line->n_words == 2;

    for (size_t i = 0; i < p->n_roles; i++) {
        _cleanup_(freep) char *text = NULL;

        if (asprintf(&text, "%.*s%s%s%s", (int)before, typed, is_one ? "" : p->product,
                     is_one ? "" : "/", p->roles[i].name) < 0)
            text = NULL;
        if (text)
            candidate_add(ret, text, p->roles[i].title);
    }
}

static void add_this_host(json_t *ret) {
    char name[HOST_NAME_MAX + 1] = "", text[sizeof(name) + 1];

    if (gethostname(name, sizeof(name) - 1) < 0)
        return;
    snprintf(text, sizeof(text), "%.*s=", (int)strcspn(name, "."), name);
    candidate_add(ret, text, "this host");
}

static void fill_new_hosts(const struct options *line, const char *typed, json_t *ret) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    if (!strchr(typed, '=')) {
        add_this_host(ret);
        return;
    }
    if (offline_load(line, false, &l) != STATUS_FINE)
        return;
    for (size_t i = 0; i < l.n_policies; i++)
        if (is_chosen(line, l.policies[i]->product))
            fill_roles_of(line, l.policies[i], typed, ret);
}

/* --- from the site --- */

static void fill_hosts(const struct options *line, const char *typed _unused_, json_t *ret) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };

    if (offline_load(line, true, &l) != STATUS_FINE)
        return;
    for (size_t i = 0; i < l.site->n_hosts; i++) {
        const struct host *h = &l.site->hosts[i];

        candidate_add(ret, h->name, h->roles.n > 0 ? h->roles.items[0].text : NULL);
    }
}

static void fill_addresses(const struct options *line, const char *typed _unused_, json_t *ret) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    char text[RANGE_TEXT_MAX];

    if (offline_load(line, true, &l) != STATUS_FINE)
        return;
    for (size_t i = 0; i < l.site->n_hosts; i++) {
        const struct host *h = &l.site->hosts[i];

        for (size_t j = 0; j < h->addresses.n; j++)
            if (range_is_host(&h->addresses.items[j].range))
                candidate_add(ret,
                              address_format(&h->addresses.items[j].range.lo,
                                             h->addresses.items[j].family, text),
                              h->name);
    }
}

/* --- from the daemon, or the files that it would load --- */

/* []Flow, a new reference, or NULL. */
static json_t *flows_from_files(const struct options *line) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    _cleanup_(loaded_clear) struct loaded l = { 0 };

    if (offline_load(line, true, &l) != STATUS_FINE ||
        offline_intent(line, &l, &intent) != STATUS_FINE)
        return NULL;
    return flows_json(intent, NULL);
}

static json_t *flows_known(const struct options *line) {
    struct options asking = *line;
    json_t *answer = NULL, *flows;

    if (line->remote)
        return NULL;
    asking.timeout_sec = TIMEOUT_SEC;
    if (line->offline ||
        client_ask(&asking, INTERFACE_PORTD ".Flows", json_object(), &answer) != STATUS_FINE)
        return flows_from_files(line);
    flows = json_incref(json_object_get(answer, "flows"));
    json_decref(answer);
    return flows;
}

static void fill_flows(const struct options *line, const char *typed _unused_, json_t *ret) {
    json_t *flows = flows_known(line), *flow;
    size_t i;

    json_array_foreach(flows, i, flow) {
        candidate_add(ret, member_text(flow, "product"), "all its rows");
        candidate_add(ret, member_text(flow, "flow"), member_text(flow, "title"));
    }
    json_decref(flows);
}

/* Of a range, or of a port that has no number, nobody asks by a flow's words. */
static bool can_be_asked(const char *service) {
    return strchr(service, '/') && !strpbrk(strchr(service, '/'), "-$");
}

static void fill_services(const struct options *line, const char *typed _unused_, json_t *ret) {
    json_t *flows = flows_known(line), *flow, *service;
    size_t i, j;

    json_array_foreach(flows, i, flow) json_array_foreach(
        json_object_get(flow, "services"), j,
        service) if (json_is_string(service) && can_be_asked(json_string_value(service)))
        candidate_add(ret, json_string_value(service), member_text(flow, "title"));
    json_decref(flows);
}

static const struct place_kind kinds[] = {
    { "PATH", "files", NULL },
    { "FILE", "files", NULL },
    { "DIR", "directories", NULL },
    { "HOST", "machines", NULL },
    { "NAME", "words", fill_hosts },
    { "NAME=ROLE,...", "words", fill_new_hosts },
    { "FORMAT", "words", fill_formats },
    { "EXPOSITION", "words", fill_expositions },
    { "DURATION", "words", fill_durations },
    { "DAYS", "words", fill_days },
    { "PRODUCT", "words", fill_products },
    { "FLOW", "words", fill_flows },
    { "SERVICE", "words", fill_services },
    { "ADDRESS", "words", fill_addresses },
};

const struct place_kind *place_kind_find(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}
