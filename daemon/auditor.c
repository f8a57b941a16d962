/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nothing is decided by what is found here, so this always waits behind what is: the timer has the
 * lowest priority of all sources, and what a look took puts the next one off. */
#include "daemon/auditor.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "nft/survey.h"

#include <errno.h>

#define SETTLE_USEC ((uint64_t)500 * 1000)   /* of quiet, after others have committed */
#define GAP_USEC    ((uint64_t)3 * 1000000)  /* between two looks, at least */
#define EVERY_USEC  ((uint64_t)30 * 1000000) /* iptables of old makes no events */
#define SHARE       20U

struct auditor {
    sd_event_source *timer;
    struct survey *survey;
    const struct legacy *legacy;
    auditor_intent intent;
    void *userdata;

    struct audit *audit; /* NULL: nothing was looked at yet */
    struct legacy_names names;
    uint32_t generation; /* of the kernel, at which it was looked at */
    bool is_stale;       /* another policy is in force since */
    bool is_noted;       /* the timer runs for a reason */
    uint64_t looked_usec, took_usec;
};

static int look(struct auditor *a) {
    _cleanup_(foreign_freep) struct foreign *foreign = NULL;
    const char *table = NULL;
    const struct intent *in = a->intent(a->userdata, &table);
    uint64_t began = clock_monotonic();
    struct audit *audit = NULL;
    int r;

    a->looked_usec = began;
    a->is_noted = false;
    if (!in) {
        a->audit = audit_free(a->audit);
        return 0;
    }
    legacy_read(a->legacy, &a->names);
    r = survey_read(a->survey, &foreign, &a->generation);
    if (r == 0)
        r = legacy_tell(&a->names, foreign);
    if (r == 0)
        r = audit_run(in, foreign, table, &audit);
    a->took_usec = clock_monotonic() - began;
    if (r < 0)
        return r;
    audit_free(a->audit);
    a->audit = audit;
    a->is_stale = false;
    return 0;
}

static int look_at(struct auditor *a, uint64_t usec) {
    int r = sd_event_source_set_time(a->timer, usec);

    return r < 0 ? r : sd_event_source_set_enabled(a->timer, SD_EVENT_ONESHOT);
}

static uint64_t earliest(const struct auditor *a) {
    uint64_t gap = a->took_usec * SHARE;

    return a->looked_usec + (gap > GAP_USEC ? gap : GAP_USEC);
}

/* The kernel counts every commit; names of old tables are compared. */
static bool is_fresh(struct auditor *a) {
    struct legacy_names names;
    uint32_t generation;

    if (!a->audit || a->is_stale || survey_generation(a->survey, &generation) < 0 ||
        generation != a->generation)
        return false;
    legacy_read(a->legacy, &names);
    return memcmp(&names, &a->names, sizeof(names)) == 0;
}

static int on_time(sd_event_source *s, uint64_t usec, void *userdata) {
    struct auditor *a = userdata;
    int r = is_fresh(a) ? 0 : look(a);

    (void)s;
    (void)usec;
    a->is_noted = false;
    if (r < 0 && r != -EAGAIN)
        log_error("what others have in nf_tables can't be read: %s", strerror(-r));
    return look_at(a, r == -EAGAIN ? earliest(a) : clock_monotonic() + EVERY_USEC);
}

int auditor_new(sd_event *event, const struct legacy *legacy, auditor_intent intent, void *userdata,
                struct auditor **ret) {
    _cleanup_(auditor_freep) struct auditor *a = calloc(1, sizeof(*a));
    int r;

    if (!a)
        return -ENOMEM;
    a->legacy = legacy;
    a->intent = intent;
    a->userdata = userdata;
    r = survey_open(&a->survey);
    if (r >= 0)
        r = sd_event_add_time(event, &a->timer, CLOCK_MONOTONIC, clock_monotonic() + SETTLE_USEC, 0,
                              on_time, a);
    if (r >= 0)
        r = sd_event_source_set_priority(a->timer, SD_EVENT_PRIORITY_IDLE);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(a);
    return 0;
}

struct auditor *auditor_free(struct auditor *a) {
    if (!a)
        return NULL;
    sd_event_source_unref(a->timer);
    survey_free(a->survey);
    audit_free(a->audit);
    free(a);
    return NULL;
}

void auditor_note(struct auditor *a, bool is_new_policy) {
    uint64_t settled = clock_monotonic() + SETTLE_USEC, due = earliest(a);

    a->is_stale |= is_new_policy;
    if (!a->is_noted)
        a->is_noted = look_at(a, due > settled ? due : settled) >= 0;
}

size_t auditor_n_open(const struct auditor *a) {
    return a->audit ? audit_n_open(a->audit) : 0;
}

int auditor_look(struct auditor *a, const struct audit **ret) {
    int r = is_fresh(a) ? 0 : look(a);

    if (r == 0)
        *ret = a->audit;
    return r;
}

int auditor_reply(struct auditor *a, json_t **ret) {
    const struct audit *audit;
    int r = auditor_look(a, &audit);

    if (r != 0)
        return r;
    *ret = audit ? audit_json(audit) : json_pack("{s:[], s:[]}", "findings", "blind");
    return *ret ? 0 : -ENOMEM;
}
