/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether something is in use only the kernel can say: by the counter of its row, and by the
 * connections of local sockets. Where it can't be asked, the answer is yes. At a start nothing is
 * connected that could tell, so there whatever closes anything is held, too. */
#include "daemon/update.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/warnings.h"
#include "nft/sockdiag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Lines in the journal; a table that becomes another has thousands. */
#define LINES_MAX 50U

struct held *held_free(struct held *h) {
    if (!h)
        return NULL;
    json_decref(h->opens);
    json_decref(h->closes);
    free(h);
    return NULL;
}

int update_load(const struct manager *m, struct enforced **ret, struct report *reterr) {
    const struct input *input = &m->options.input;
    _cleanup_(files_freep) struct files *files = NULL, *kept = NULL;
    int r = snapshot_files(m->options.state_dir, &kept);

    if (r != 0) /* could not be saved, which status says: then what is on disk has to do */
        return r < 0 ? r : enforced_load(input, ret, reterr);
    r = files_read(NULL, input->policy_dirs, input->n_policy_dirs, &files, reterr);
    if (r != 0)
        return r < 0 ? r : ENFORCED_E_INVALID;
    files_exchange_policies(files, kept);
    return enforced_from_files(&kept, m->enforced->intent->self.name, ret, reterr);
}

/* --- is it in use --- */

static bool has_hits(const struct ruleset *have, const struct flow_change *c) {
    _cleanup_(freep) char *name = NULL;
    const struct counter *counter;

    if (asprintf(&name, "%s/%s", direction_name(c->direction), c->flow->id) < 0) {
        name = NULL;
        return true;
    }
    counter = ruleset_counter(have, name);
    return counter && counter->packets > 0;
}

static bool has_connection(const struct open_connections *open, const struct flow_change *c) {
    for (size_t i = 0; i < open->n; i++) {
        const struct open_connection *o = &open->items[i];
        enum direction d = o->is_inbound ? DIRECTION_IN : DIRECTION_OUT;

        if (change_concerns(c, d, o->protocol, o->is_inbound ? o->local.port : o->remote.port,
                            o->family, &o->remote.address))
            return true;
    }
    return false;
}

static bool closes_used(struct manager *m, const struct changes *c) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    struct open_connections open = { 0 };
    uint32_t generation;
    bool found = false;

    if (kernel_read(m->kernel, &have, &generation) != 0 || sockdiag_read(&open) < 0)
        return true;
    for (size_t i = 0; i < c->n_closed && !found; i++)
        found = has_hits(have, &c->closed[i]) || has_connection(&open, &c->closed[i]);
    open_connections_clear(&open);
    return found;
}

int update_is_held(struct manager *m, const struct enforced *next, const struct changes *c) {
    if (next->intent->updates != UPDATES_HOLD)
        return 0;
    return c->n_opened > 0 || (c->n_closed > 0 && closes_used(m, c));
}

/* --- holding it --- */

void update_log(const char *verb, const json_t *changes) {
    size_t n = json_array_size(changes);

    for (size_t i = 0; i < n && i < LINES_MAX; i++)
        log_info("%s %s", verb,
                 json_string_value(json_object_get(json_array_get(changes, i), "text")));
    if (n > LINES_MAX)
        log_info("%s %zu more", verb, n - LINES_MAX);
}

/* `base` stays in force: its policies are not those on disk, which is no news. */
static int hold(struct manager *m, struct enforced *base, struct enforced *next,
                const struct changes *c, const char *reason) {
    struct held *h = calloc(1, sizeof(*h));
    struct stamp_list policies = base->stamps.policies;

    if (!h)
        return -ENOMEM;
    h->since_usec = m->held ? m->held->since_usec : clock_realtime();
    snprintf(h->reason, sizeof(h->reason), "%s", reason ? reason : "");
    h->opens = changes_json(c->opened, c->n_opened);
    h->closes = changes_json(c->closed, c->n_closed);
    if (!h->opens || !h->closes) {
        held_free(h);
        return -ENOMEM;
    }
    held_free(m->held);
    m->held = h;
    base->stamps.policies = next->stamps.policies;
    next->stamps.policies = policies;
    log_event(LOG_WARNING, LOG_ID_HELD, NULL, 0,
              "a policy update is held, the policies before it stay in force%s%s",
              h->reason[0] ? ": " : "", h->reason);
    update_log("it would open", h->opens);
    update_log("it would close", h->closes);
    return 0;
}

int update_hold(struct manager *m, struct enforced *next, const struct changes *c,
                const char *reason) {
    int r = hold(m, m->enforced, next, c, reason);

    if (r == 0)
        disk_loaded(m->disk, &m->enforced->stamps);
    return r;
}

/* What would be in force had the policies not been updated. 1: there is no such thing. */
static int load_without_update(const struct manager *m, struct enforced **ret) {
    const struct input *input = &m->options.input;
    _cleanup_(files_freep) struct files *files = NULL, *kept = NULL;
    struct report why = REPORT_INIT;
    int r = snapshot_files(m->options.state_dir, &kept);

    if (r == 0)
        r = files_read(input->site, input->policy_dirs, input->n_policy_dirs, &files, &why);
    if (r == 0) {
        files_exchange_policies(files, kept);
        r = enforced_from_files(&files, input->host, ret, &why);
    }
    if (r == ENFORCED_E_INVALID && files)
        log_warn("the policies that were in force before don't go with the site file: those on "
                 "disk are loaded, whatever they open");
    report_clear(&why);
    return r > 0 ? 1 : r;
}

int update_hold_first(struct manager *m, struct enforced **first) {
    _cleanup_(enforced_freep) struct enforced *base = NULL;
    _cleanup_(changes_freep) struct changes *c = NULL;
    int r;

    if ((*first)->intent->updates != UPDATES_HOLD)
        return 0;
    r = load_without_update(m, &base);
    if (r == 0)
        r = changes_find(base->intent, (*first)->intent, &c);
    if (r != 0)
        return r < 0 ? r : 0;
    if (c->n_opened + c->n_closed == 0)
        return 0;
    r = hold(m, base, *first, c, "the policies on disk are not those in force before this start");
    if (r < 0)
        return r;
    enforced_free(*first);
    *first = TAKE_PTR(base);
    return 0;
}

/* --- telling --- */

int update_warn(const struct manager *m, json_t *warnings) {
    size_t opens, closes;
    const json_t *one;

    if (!m->held)
        return 0;
    opens = json_array_size(m->held->opens);
    closes = json_array_size(m->held->closes);
    one = json_array_get(opens ? m->held->opens : m->held->closes, 0);
    return warning_add(warnings, "held", "portd-ctl status --json, then portd-ctl reload",
                       "a policy update is held: it would open %zu and close %zu service%s, "
                       "as %s",
                       opens, closes, closes == 1 ? "" : "s",
                       json_string_value(json_object_get(one, "text")));
}

json_t *update_json(const struct manager *m) {
    char since[CLOCK_TEXT_SIZE];
    const struct held *h = m->held;

    if (!h)
        return NULL;
    return json_pack("{s:s, s:s*, s:O, s:O}", "since", clock_format(h->since_usec, since), "reason",
                     h->reason[0] ? h->reason : NULL, "opens", h->opens, "closes", h->closes);
}
