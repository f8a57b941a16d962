/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that need no daemon: they look at files. */
#include "failure.h"
#include "offline.h"
#include "print.h"
#include "screen.h"

#include "engine/explain.h"
#include "engine/rulejson.h"
#include "engine/text.h"

#include <string.h>

static bool has_same_roles(const struct host *a, const struct host *b) {
    if (a->roles.n != b->roles.n || a->os != b->os)
        return false;
    for (size_t i = 0; i < a->roles.n; i++)
        if (strcmp(a->roles.items[i].text, b->roles.items[i].text) != 0)
            return false;
    return true;
}

/* The most hosts that share their roles, and yet are all looked at. */
#define ALIKE_MAX 20U

/* What is told of a host depends on its roles: of those that share them the first speaks. Of those
 * without any each is told by name, up to a number that somebody reads. */
static bool is_heard(const struct site *site, size_t at) {
    size_t n = 0, most = site->hosts[at].roles.n > 0 ? 1 : ALIKE_MAX;

    for (size_t i = 0; i < at && n < most; i++)
        n += has_same_roles(&site->hosts[i], &site->hosts[at]);
    return n < most;
}

static bool has_warning(json_t *warnings, json_t *warning) {
    json_t *known;
    size_t i;

    json_array_foreach(warnings, i, known) if (json_equal(known, warning)) return true;
    return false;
}

/* What `check` has to tell. */
struct findings {
    json_t *warnings;
    size_t n_flows;
};

static enum status findings_add(const struct options *o, const struct loaded *l,
                                struct findings *f) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    json_t *warnings, *warning;
    enum status status;
    size_t i;

    status = offline_intent(o, l, &intent);
    if (status != STATUS_FINE)
        return status;
    f->n_flows = intent->n_flows;
    warnings = warnings_json(intent);
    json_array_foreach(warnings, i, warning) if (!has_warning(f->warnings, warning) &&
                                                 json_array_append(f->warnings, warning) < 0)
        status = failure_memory();
    json_decref(warnings);
    return status;
}

static enum status findings_collect(const struct options *o, const struct loaded *l,
                                    struct findings *f) {
    enum status status = STATUS_FINE;

    if (o->host)
        return findings_add(o, l, f);
    for (size_t i = 0; i < l->site->n_hosts && status == STATUS_FINE; i++) {
        struct options one = *o;

        one.host = l->site->hosts[i].name;
        if (is_heard(l->site, i))
            status = findings_add(&one, l, f);
    }
    return status;
}

static void print_findings(const struct options *o, const struct loaded *l,
                           const struct findings *f) {
    const struct site *site = l->site;
    size_t n = json_array_size(f->warnings);

    if (o->json) {
        json_t *answer =
            json_pack("{sssIsIsIsOs[]}", "site", site->name, "hosts", (json_int_t)site->n_hosts,
                      "flows", (json_int_t)f->n_flows, "policies", (json_int_t)l->n_policies,
                      "warnings", f->warnings, "mistakes");

        print_json(answer, false);
        json_decref(answer);
        return;
    }
    screen_make_safe(f->warnings);
    printf("%s: fine, %zu host%s, %zu flow%s, %zu polic%s", o->site, site->n_hosts,
           site->n_hosts == 1 ? "" : "s", f->n_flows, f->n_flows == 1 ? "" : "s", l->n_policies,
           l->n_policies == 1 ? "y" : "ies");
    if (n > 0)
        printf(", %zu warning%s", n, n == 1 ? "" : "s");
    putchar('\n');
    print_warnings(f->warnings, "  ");
}

enum status verb_check(const struct options *o, const char *const *words _unused_,
                       size_t n_words _unused_) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    struct findings f = { .warnings = json_array() };
    enum status status;

    status = offline_load(o, true, &l);
    if (status == STATUS_FINE)
        status = findings_collect(o, &l, &f);
    if (status == STATUS_FINE)
        print_findings(o, &l, &f);
    json_decref(f.warnings);
    return status;
}

static enum status print_ruleset(const struct options *o, const struct ruleset *rules) {
    _cleanup_(freep) char *text = NULL;

    if (o->json) {
        json_t *answer = ruleset_json(rules);

        if (!answer)
            return failure_memory();
        print_json(answer, false);
        json_decref(answer);
        return STATUS_FINE;
    }
    text = ruleset_text(rules);
    if (!text)
        return failure_memory();
    fputs(text, stdout);
    return STATUS_FINE;
}

enum status verb_ruleset(const struct options *o, const char *const *words _unused_,
                         size_t n_words _unused_) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    _cleanup_(intent_freep) struct intent *intent = NULL;
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    enum status status;

    status = offline_load(o, true, &l);
    if (status == STATUS_FINE)
        status = offline_intent(o, &l, &intent);
    if (status != STATUS_FINE)
        return status;
    if (policy_compile(intent, NULL, &rules) < 0)
        return failure_memory();
    return print_ruleset(o, rules);
}
