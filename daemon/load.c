/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a policy comes into force: at start, at a reload, and how it goes (off). Nothing of the old
 * is let go before the kernel was read back and said the new. */
#include "daemon/manager.h"

#include "daemon/clock.h"
#include "daemon/foresight.h"
#include "daemon/generations.h"
#include "daemon/granting.h"
#include "daemon/learn.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/notify.h"
#include "daemon/reconcile.h"
#include "daemon/service.h"
#include "engine/text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* For how long the first policy is tried to be put in force against others' commits: 10 s. */
#define FIRST_TRIES      100
#define FIRST_PAUSE_NSEC 100000000

/* The snapshot, and how it came in force. */
static int save_generation(const struct manager *m, const struct snapshot *s,
                           const struct reload *q) {
    const enum mode *modes = m->enforced->intent->modes;
    json_t *o = snapshot_json(m->enforced->files, s);
    json_t *how = json_pack(
        "{s:s, s:s*, s:I, s:s, s:s, s:O*, s:O*}", "by", q->by, "reason", q->reason, "restores",
        (json_int_t)q->restores, "ingress", mode_name(modes[DIRECTION_IN]), "egress",
        mode_name(modes[DIRECTION_OUT]), "opened", q->opened, "closed", q->closed);
    int r = -ENOMEM;

    if (o && how && json_object_update(o, how) == 0)
        r = generations_save(m->options.state_dir, o);
    json_decref(o);
    json_decref(how);
    return r;
}

static void save(struct manager *m, const struct reload *q) {
    struct snapshot s = { .generation = m->generation, .since_usec = m->since_usec };
    int r;

    if (!m->enforced->files)
        return;
    s.host = m->enforced->intent->self.name;
    memcpy(s.digest, m->enforced->digest, sizeof(s.digest));
    r = snapshot_save(m->options.state_dir, m->enforced->files, &s);
    if (r == 0)
        r = save_generation(m, &s, q);
    free(m->save_error);
    m->save_error = NULL;
    if (r < 0) {
        if (asprintf(&m->save_error,
                     "the last good files can't be saved in %s: %s; the rules are in force, but a "
                     "start with broken files would have nothing to fall back on",
                     m->options.state_dir, strerror(-r)) < 0)
            m->save_error = NULL;
        log_error("%s", m->save_error ? m->save_error : "the last good files can't be saved");
    }
    m->enforced->files = files_free(m->enforced->files);
}

static void record_reload(struct manager *m, const char *by, const char *reason) {
    m->last_reload.time_usec = clock_realtime();
    snprintf(m->last_reload.by, sizeof(m->last_reload.by), "%s", by);
    snprintf(m->last_reload.reason, sizeof(m->last_reload.reason), "%s", reason ? reason : "");
}

static void log_applied(const struct manager *m, const struct reconciled *done, bool is_compared) {
    char generation[24];
    const struct log_field fields[] = {
        { "PORTD_GENERATION", generation },
        { "PORTD_DIGEST", m->enforced->digest },
        { "PORTD_HOST", m->enforced->intent->self.name },
    };

    snprintf(generation, sizeof(generation), "%" PRIu64, m->generation);
    log_event(LOG_INFO, LOG_ID_APPLIED, fields, ARRAY_SIZE(fields),
              "generation %s, sha256:%.12s…, is in force for %s: %s", generation,
              m->enforced->digest, m->enforced->intent->self.name,
              !is_compared      ? "applied, and read back at the next look"
              : done->n_commits ? "applied, read back and compared"
                                : "the kernel had it already, nothing was written");
}

static int compile(const struct manager *m, struct enforced *e) {
    struct ruleset *rules;
    int r = learn_compile(m, e, &rules);

    if (r < 0)
        return r;
    ruleset_free(e->rules);
    e->rules = rules;
    return 0;
}

/* Puts `next` in force and takes it on success; a new ruleset is a new generation. What is in the
 * kernel and could not be read back is taken as well, and compared at the next look: to go on
 * meaning the old policy would undo it, and put the blame on somebody. */
static int enforce(struct manager *m, struct enforced **next, const char *old_digest,
                   char ***ret_lines, size_t *ret_n, struct report *reterr) {
    struct reconciled done = { 0 };
    bool was_wanted = m->seal.is_wanted;
    int r = compile(m, *next);

    m->seal.is_wanted = (*next)->intent->seal;
    if (r == 0)
        r = seal_reconcile(m, (*next)->rules, NULL, &done, reterr);
    if (r != 0 && (done.n_commits == 0 || !m->enforced)) {
        m->seal.is_wanted = was_wanted;
        reconciled_clear(&done);
        return r;
    }
    m->enforced = enforced_free(m->enforced);
    m->enforced = TAKE_PTR(*next);
    if (strcmp(old_digest, m->enforced->digest) != 0) {
        m->generation++;
        m->since_usec = clock_realtime();
    }
    m->kernel_generation = r == 0 ? done.generation : 0; /* 0: the next look compares */
    m->is_off = false;
    free(m->refusal);
    m->refusal = NULL;
    if (ret_lines) {
        *ret_n = done.n_lines;
        *ret_lines = TAKE_PTR(done.lines);
    }
    names_adopt(m);
    if (m->auditor)
        auditor_note(m->auditor, true);
    log_applied(m, &done, r == 0);
    reconciled_clear(&done);
    report_clear(reterr);
    return 0;
}

/* For whoever asked, being outrun is a refusal as any other. */
static int contested_refuse(int r, struct report *reterr) {
    if (!reconcile_is_outrun(r))
        return r;
    report_add(reterr, (struct place){ 0 },
               "others commit to nf_tables faster than portd can read and write: try again");
    return KERNEL_E_REFUSED;
}

/* What is in force keeps us from the loop for the longer the larger it is: a repair reads every
 * element twice, and an audit tries every flow from every address. Measured with a million elements
 * and with 5,000 flows on two slow cores, and doubled. */
static uint64_t turn_usec(const struct enforced *e) {
    uint64_t usec = e->intent->n_flows * (uint64_t)5000;

    for (size_t i = 0; i < e->rules->n_sets; i++)
        usec += e->rules->sets[i].n_elements * (uint64_t)100;
    return usec;
}

void reload_clear(struct reload *q) {
    lines_free(q->lines);
    json_decref(q->opened);
    json_decref(q->closed);
    *q = (struct reload){ 0 };
}

/* Who turned portd off turns it on again. Files that were refused are as unloaded as the update. */
static int load_next(const struct manager *m, const struct reload *q, struct enforced **ret,
                     struct report *reterr) {
    if ((q->is_update || m->trial.is_waiting) && trial_keeps(m, reterr))
        return KERNEL_E_REFUSED;
    if (!q->is_update || !report_is_empty(&m->mistakes))
        return enforced_load(&m->options.input, ret, reterr);
    if (!m->is_off)
        return update_load(m, ret, reterr);
    report_add(reterr, (struct place){ 0 },
               "portd is off, and an update does not end that; to enforce again: portd-ctl reload");
    return KERNEL_E_REFUSED;
}

static void log_reload(const struct reload *q) {
    log_info("the files%s were loaded by %s%s%s", q->restores ? " of an earlier generation" : "",
             q->by, q->reason ? ": " : "", q->reason ? q->reason : "");
    update_log("opened", q->opened);
    update_log("closed", q->closed);
}

static int find_changes(const struct manager *m, const struct enforced *next, struct reload *q,
                        struct changes **ret) {
    _cleanup_(changes_freep) struct changes *c = NULL;
    int r = changes_find(m->enforced->intent, next->intent, &c);

    if (r != 0)
        return r;
    q->opened = changes_json(c->opened, c->n_opened);
    q->closed = changes_json(c->closed, c->n_closed);
    if (!q->opened || !q->closed)
        return -ENOMEM;
    *ret = TAKE_PTR(c);
    return 0;
}

static int apply(struct manager *m, struct reload *q, struct enforced **next,
                 struct report *reterr) {
    char old_digest[DIGEST_TEXT_SIZE];
    int r;

    memcpy(old_digest, m->enforced->digest, sizeof(old_digest));
    r = contested_refuse(enforce(m, next, old_digest, &q->lines, &q->n_lines, reterr), reterr);
    if (r != 0)
        return r;
    report_clear(&m->mistakes);
    m->held = held_free(m->held);
    log_reload(q);
    record_reload(m, q->by, q->reason);
    disk_loaded(m->disk, &m->enforced->stamps);
    save(m, q);
    notify_reload(m);
    return 0;
}

int manager_apply(struct manager *m, struct reload *q, struct enforced **next,
                  struct report *reterr) {
    _cleanup_(changes_freep) struct changes *c = NULL;
    int r = find_changes(m, *next, q, &c);

    if (r != 0)
        return r;
    service_busy();
    r = apply(m, q, next, reterr);
    service_idle(turn_usec(m->enforced));
    return r;
}

/* What to go back to is safe before anything is changed. */
static int reload_apply(struct manager *m, struct reload *q, struct enforced **next,
                        struct report *reterr) {
    json_t *record = NULL;
    int r = q->confirm_sec ? trial_prepare(m, q, *next, &record, reterr) : 0;

    if (r != 0)
        return r;
    r = apply(m, q, next, reterr);
    if (r != 0) {
        trial_cancel(m, record);
        return r;
    }
    if (record)
        return trial_begin(m, record);
    trial_end(m);
    return 0;
}

static int reload(struct manager *m, struct reload *q, struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *next = NULL;
    _cleanup_(changes_freep) struct changes *c = NULL;
    int r = load_next(m, q, &next, reterr);

    if (r == 0)
        r = find_changes(m, next, q, &c);
    if (r != 0)
        return r;
    r = q->is_update ? update_is_held(m, next, c) : 0;
    if (r < 0)
        return r;
    q->is_held = r > 0;
    if (q->is_held)
        return update_hold(m, next, c, q->reason);
    r = q->session && !q->is_forced ? foresight_guard(m, next, q->session, reterr) : 0;
    return r != 0 ? r : reload_apply(m, q, &next, reterr);
}

int manager_reload(struct manager *m, struct reload *q, struct report *reterr) {
    int r;

    service_reloading();
    service_busy();
    r = reload(m, q, reterr);
    if (r == FORESIGHT_E_CUTS_CALLER)
        log_info("reload refused: it would cut the session of %s", q->by);
    else if (r > 0)
        log_event(LOG_ERR, LOG_ID_DEGRADED, NULL, 0, "reload refused, the rules in force stay");
    manager_announce(m);
    service_idle(turn_usec(m->enforced));
    service_ready();
    return r;
}

int manager_plan(struct manager *m, const struct tracked *session, json_t **ret,
                 struct report *reterr) {
    int r;

    service_busy();
    r = foresight_plan(m, session, ret, reterr);
    service_idle(turn_usec(m->enforced));
    return r;
}

int manager_off(struct manager *m, const char *by, const char *reason, struct report *reterr) {
    struct reconciled done = { 0 };
    int r;

    seal_close(m);
    r = contested_refuse(reconcile_none(m->kernel, &done, reterr), reterr);
    reconciled_clear(&done);
    if (r == 0)
        r = seal_tidy(m, reterr);
    if (r != 0)
        return r;
    m->is_off = true;
    granting_off(m, by);
    auditor_note(m->auditor, true);
    log_event(LOG_WARNING, LOG_ID_OFF, NULL, 0,
              "off: %s removed table inet " PORTD_TABLE ", nothing is enforced%s%s", by,
              reason ? ": " : "", reason ? reason : "");
    manager_announce(m);
    return 0;
}

/* Broken files at start: what was accepted last stays the policy, if there is such a thing. */
static int load_last_good(struct manager *m, struct report *mistakes, struct enforced **ret) {
    struct snapshot s = { 0 };
    struct report why = REPORT_INIT;
    int r = snapshot_load(m->options.state_dir, m->options.input.host, true, &s, &why);

    if (r != 0) {
        if (r == SNAPSHOT_E_INVALID)
            report_append(mistakes, &why);
        report_clear(&why);
        return r < 0 ? r : MANAGER_E_INVALID;
    }
    log_report(LOG_ERR, mistakes);
    log_event(LOG_ERR, LOG_ID_DEGRADED, NULL, 0,
              "the files are refused; the last good ones, generation %" PRIu64 ", are in force",
              s.generation);
    report_append(&m->mistakes, mistakes);
    *ret = s.enforced;
    report_clear(&why);
    return 0;
}

static int load_first(struct manager *m, struct reload *q, struct enforced **ret,
                      struct report *reterr) {
    int r = trial_load_first(m, q, ret);

    if (r != 0)
        return r < 0 ? r : 0;
    r = enforced_load(&m->options.input, ret, reterr);
    if (r == ENFORCED_E_INVALID)
        return load_last_good(m, reterr, ret);
    return r < 0 ? r : update_hold_first(m, ret);
}

/* Goes on counting where the last run stopped. */
static void restore_generation(struct manager *m, char ret_digest[static DIGEST_TEXT_SIZE]) {
    struct snapshot s = { 0 };
    struct report ignored = REPORT_INIT;

    ret_digest[0] = '\0';
    if (snapshot_load(m->options.state_dir, m->options.input.host, false, &s, &ignored) == 0) {
        m->generation = s.generation;
        m->since_usec = s.since_usec;
        memcpy(ret_digest, s.digest, DIGEST_TEXT_SIZE);
    } else {
        m->generation = generations_newest(m->options.state_dir);
    }
    report_clear(&ignored);
}

/* What the files brought while portd was away. That it can't be told is no reason to wait. */
static void find_first_changes(const struct manager *m, const struct enforced *first,
                               struct reload *q) {
    _cleanup_(changes_freep) struct changes *c = NULL;
    struct report ignored = REPORT_INIT;
    struct snapshot last = { 0 };

    if (snapshot_load(m->options.state_dir, m->options.input.host, true, &last, &ignored) == 0 &&
        changes_find(last.enforced->intent, first->intent, &c) == 0) {
        q->opened = changes_json(c->opened, c->n_opened);
        q->closed = changes_json(c->closed, c->n_closed);
    }
    enforced_free(last.enforced);
    report_clear(&ignored);
}

/* At boot others set up their tables, too: portd outlasts them rather than give up. */
static int enforce_first(struct manager *m, struct enforced **first, const char *old_digest,
                         struct report *reterr) {
    const struct timespec pause = { .tv_nsec = FIRST_PAUSE_NSEC };
    int r = RECONCILE_E_CONTESTED;

    for (int i = 0; *first && i < FIRST_TRIES && reconcile_is_outrun(r); i++) {
        if (i > 0)
            nanosleep(&pause, NULL);
        r = enforce(m, first, old_digest, NULL, NULL, reterr);
    }
    return contested_refuse(r, reterr);
}

int manager_load_first(struct manager *m, struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *first = NULL;
    char old_digest[DIGEST_TEXT_SIZE];
    struct reload q = { .by = "start" };
    int r;

    service_busy();
    r = kernel_open(TAKE_FD(m->options.owner_fd), &m->kernel, reterr);
    if (r != 0)
        return r < 0 ? r : MANAGER_E_REFUSED;
    r = load_first(m, &q, &first, reterr);
    if (r != 0)
        return r;
    r = watch_open(kernel_port_id(m->kernel), &m->watch);
    if (r < 0)
        return r;
    restore_generation(m, old_digest);
    names_load(m);
    granting_load(m);
    r = learn_begin(m);
    if (r < 0)
        return r;
    if (strcmp(old_digest, first->digest) != 0)
        find_first_changes(m, first, &q);
    r = enforce_first(m, &first, old_digest, reterr);
    if (r != 0) {
        reload_clear(&q);
        return r < 0 ? r : MANAGER_E_REFUSED;
    }
    if (seal_tidy(m, reterr) != 0)
        log_report(LOG_WARNING, reterr);
    report_clear(reterr);
    record_reload(m, q.by, q.reason);
    save(m, &q);
    reload_clear(&q);
    service_idle(turn_usec(m->enforced));
    return 0;
}
