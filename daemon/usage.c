/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Saved some minutes late: what a crash loses is seen at the next look as hits that came by then.
 * How long the machine is up is saved along, because a counter that begins anew may get as far as
 * it was; the boot's own id is in a part of /proc that the service doesn't see. */
#include "daemon/usage.h"

#include "base/file.h"
#include "daemon/clock.h"
#include "daemon/log.h"
#include "engine/hits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define USAGE_FILE     "usage.json"
#define USAGE_SIZE_MAX ((size_t)16 << 20)
#define LOOK_USEC      ((uint64_t)60 * 1000000)
#define SAVE_USEC      ((uint64_t)300 * 1000000) /* between two, at least */

struct usage {
    char *path;
    struct hits hits;
    sd_event_source *timer;
    bool is_unsaved;
    uint64_t saved_usec; /* CLOCK_MONOTONIC; 0: not yet */
    bool is_failing;
};

static void take_saved(struct usage *u, const struct file *file) {
    json_t *saved = json_loadb(file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
    int r = hits_parse(saved, clock_monotonic(), &u->hits);

    json_decref(saved);
    if (r == HITS_E_INVALID)
        log_warn("%s is damaged or of another version: when flows were last hit is not known any "
                 "more",
                 u->path);
    else if (r < 0)
        log_warn("when flows were last hit can't be read: %s", strerror(-r));
}

static void load(struct usage *u) {
    struct report why = REPORT_INIT;
    struct file file = { 0 };
    int r = file_read(u->path, USAGE_SIZE_MAX, &file, &why);

    if (r == FILE_E_REFUSED)
        log_report(LOG_WARNING, &why);
    report_clear(&why);
    if (r == 0)
        take_saved(u, &file);
    file_clear(&file);
}

int usage_new(const char *state_dir, struct usage **ret) {
    _cleanup_(usage_freep) struct usage *u = calloc(1, sizeof(*u));

    if (!u)
        return -ENOMEM;
    if (asprintf(&u->path, "%s/" USAGE_FILE, state_dir) < 0) {
        u->path = NULL;
        return -ENOMEM;
    }
    load(u);
    *ret = TAKE_PTR(u);
    return 0;
}

struct usage *usage_free(struct usage *u) {
    if (!u)
        return NULL;
    sd_event_source_disable_unref(u->timer);
    hits_clear(&u->hits);
    free(u->path);
    free(u);
    return NULL;
}

static int save(const struct usage *u) {
    json_t *o = hits_json(&u->hits, clock_monotonic());
    _cleanup_(freep) char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;

    json_decref(o);
    return text ? file_write_atomic(u->path, text, strlen(text), 0600) : -ENOMEM;
}

static void save_changes(struct usage *u) {
    int r = u->is_unsaved ? save(u) : 0;

    if (r < 0 && !u->is_failing)
        log_warn("when flows were last hit can't be saved: %s", strerror(-r));
    u->is_failing = r < 0;
    u->is_unsaved = r < 0;
    u->saved_usec = clock_monotonic();
}

int usage_take(struct manager *m, const struct ruleset *have) {
    int r = hits_take(&m->usage->hits, m->enforced->intent, have, clock_realtime());

    m->usage->is_unsaved |= r > 0;
    return r < 0 ? r : 0;
}

static int look(struct manager *m) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    int r = kernel_read_counters(m->kernel, &have);

    return r == 0 ? usage_take(m, have) : r;
}

static int on_time(sd_event_source *s, uint64_t usec _unused_, void *userdata) {
    struct manager *m = userdata;
    struct usage *u = m->usage;
    int r = look(m);

    if (r < 0 && r != -EAGAIN)
        log_warn("which flows are hit can't be told: %s", strerror(-r));
    if (u->saved_usec == 0 || clock_monotonic() >= u->saved_usec + SAVE_USEC)
        save_changes(u);
    r = sd_event_source_set_time(s, clock_monotonic() + LOOK_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

int usage_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->usage->timer, CLOCK_MONOTONIC, clock_monotonic(), 0,
                              on_time, m);

    return r < 0 ? r : sd_event_source_set_priority(m->usage->timer, SD_EVENT_PRIORITY_IDLE);
}

void usage_end(struct manager *m) {
    if (!m->usage->timer) /* it never began */
        return;
    (void)look(m);
    save_changes(m->usage);
}

/* --- what is told of them --- */

static int set_time(json_t *flow, const char *key, uint64_t usec) {
    char text[CLOCK_TEXT_SIZE];

    return usec ? json_object_set_new(flow, key, json_string(clock_format(usec, text))) : 0;
}

int usage_tell(const struct manager *m, json_t *flows) {
    const struct intent *in = m->enforced->intent;
    uint64_t last, since;
    json_t *flow;
    size_t i;

    json_array_foreach(flows, i, flow) {
        if (!hits_of(&m->usage->hits, &in->flows[i], &last, &since))
            continue;
        if (set_time(flow, "last_hit", last) < 0 || set_time(flow, "watched_since", since) < 0)
            return -1;
    }
    return 0;
}
