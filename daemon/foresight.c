/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asked by whoever reads, while nothing is changed: the files are loaded as a reload does it. */
#include "daemon/foresight.h"

#include "daemon/learn.h"
#include "daemon/manager.h"
#include "engine/explain.h"
#include "engine/jsonlist.h"
#include "engine/preview.h"
#include "engine/text.h"

#include <errno.h>

/* Whose the table is: a claim of our own is nothing that a reload changes. */
static void claim_as_now(const struct manager *m, const struct enforced *next,
                         struct ruleset *want) {
    if (next->intent->seal != m->enforced->intent->seal)
        return;
    want->flags = m->enforced->rules->flags;
    want->owner = m->enforced->rules->owner;
}

/* A line for each thing that would be done in the kernel, if it is as portd left it. */
static json_t *lines_json(struct manager *m, const struct enforced *next) {
    _cleanup_(ruleset_freep) struct ruleset *want = NULL, *none = ruleset_new();
    _cleanup_(plan_freep) struct plan *plan = NULL;
    _cleanup_(lines_freep) char **lines = NULL;
    size_t n;

    if (!none || learn_compile(m, next, &want) < 0)
        return NULL;
    claim_as_now(m, next, want);
    if (ruleset_diff(want, m->is_off ? none : m->enforced->rules, &plan) < 0)
        return NULL;
    lines = plan_lines(plan, false, &n);
    return lines ? json_list_strings((const char *const *)lines, n) : NULL;
}

/* Borrows. Nothing is denied while portd is off, until the next reload. */
static struct intent in_force(const struct manager *m) {
    struct intent then = *m->enforced->intent;

    for (enum direction d = 0; m->is_off && d < DIRECTION_MAX; d++)
        then.modes[d] = MODE_OFF;
    return then;
}

static int set_connections(json_t *reply, const struct cuts *cuts) {
    bool is_own = cuts->n > 0 && cuts->items[0].rank == CUT_CALLER;
    int r = json_object_set_new(reply, "connections", cuts_json(cuts));

    r |= json_object_set_new(reply, "cut", json_integer((json_int_t)cuts->total));
    r |= json_object_set_new(reply, "needs_force", json_boolean(is_own));
    if (cuts->blind)
        r |= json_object_set_new(reply, "blind", json_string(cuts->blind));
    return r;
}

int foresight_plan(struct manager *m, const struct tracked *session, json_t **ret,
                   struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *next = NULL;
    struct intent then = in_force(m);
    struct cuts cuts = { 0 };
    json_t *reply;
    int r = enforced_load(&m->options.input, &next, reterr);

    if (r == 0)
        r = cuts_find(m, next->intent, session, &cuts);
    if (r != 0)
        return r;
    reply = json_pack("{s:o, s:s, s:o, s:o}", "planned", preview_json(&then, next->intent),
                      "digest", next->digest, "changes", lines_json(m, next), "warnings",
                      warnings_json(next->intent));
    if (reply && set_connections(reply, &cuts) < 0) {
        json_decref(reply);
        reply = NULL;
    }
    cuts_clear(&cuts);
    *ret = reply;
    return reply ? 0 : -ENOMEM;
}

int foresight_guard(struct manager *m, const struct enforced *next, const struct tracked *session,
                    struct report *reterr) {
    _cleanup_(freep) char *text = NULL;
    struct cuts cuts = { 0 };
    int r = cuts_find(m, next->intent, session, &cuts);

    if (r == 0 && cuts.n > 0 && cuts.items[0].rank == CUT_CALLER) {
        text = cut_text(&cuts.items[0]);
        report_add(reterr, (struct place){ 0 },
                   "this would cut your own session, %s: see portd-ctl plan; to do it all the "
                   "same: portd-ctl reload --force",
                   text ? text : "by ssh");
        r = FORESIGHT_E_CUTS_CALLER;
    }
    cuts_clear(&cuts);
    return r;
}
