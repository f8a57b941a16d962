/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that happens is noted in the schedule; on_turn(), after each turn of the loop, is the
 * one place that acts on it: starts lookups, tells portd, sets the alarm for the next name. While
 * portd isn't there nothing is asked of anybody. */
#include "resolver.h"

#include "lookup.h"
#include "needs.h"
#include "reports.h"
#include "schedule.h"

#include "daemon/clock.h"
#include "daemon/log.h"

#include <ares.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define ALARM_ACCURACY_USEC 10000U

struct resolver {
    sd_event *event;
    sd_event_source *turn, *alarm;
    struct schedule schedule;
    struct needs *needs;
    struct reports *reports;
    struct lookup *lookups[RESOLVER_LOOKUPS_MAX];
    size_t n_lookups;
};

static void on_needs(const char *const *names, size_t n, bool is_new, void *userdata) {
    struct resolver *r = userdata;
    uint64_t now = clock_monotonic();

    if (schedule_need(&r->schedule, names, n, now) < 0)
        log_warn("out of memory: the names that portd needed before are kept");
    if (is_new)
        schedule_start_over(&r->schedule, now);
}

/* Says what changed for the name. */
static void note(struct entry *e) {
    bool is_failing = !outcome_is_whole(&e->newest);

    if (is_failing && !e->is_failing)
        log_warn("%s: %s; trying again", e->name, e->newest.error);
    else if (!is_failing && e->is_failing)
        log_info("%s is resolved again", e->name);
    e->is_failing = is_failing;
}

/* The entry may be gone by now. */
static void on_report(const char *name, enum report_fate fate, const char *why, void *userdata) {
    struct resolver *r = userdata;
    struct entry *e = schedule_find(&r->schedule, name);

    if (!e)
        return;
    switch (fate) {
    case REPORT_TAKEN:
    case REPORT_UNNEEDED:
        entry_taken(e);
        break;
    case REPORT_REFUSED:
        entry_refused(e, why, clock_monotonic());
        break;
    case REPORT_LOST:
        e->is_unsent = true;
        break;
    }
}

static void end(struct resolver *r, const char *name, struct outcome *o) {
    struct entry *e = schedule_find(&r->schedule, name);

    if (!e)
        return; /* nobody needs it any more */
    entry_end(e, o, clock_monotonic());
    note(e);
}

static void on_lookup(struct lookup *l, struct outcome *o, void *userdata) {
    struct resolver *r = userdata;
    size_t i = 0;

    end(r, lookup_name(l), o);
    while (r->lookups[i] != l)
        i++;
    r->lookups[i] = r->lookups[--r->n_lookups];
    lookup_free(l);
}

static void start_lookups(struct resolver *r, uint64_t now) {
    struct entry *e;

    while (r->n_lookups < RESOLVER_LOOKUPS_MAX && (e = schedule_due(&r->schedule, now))) {
        int error;

        entry_begin(e);
        error = lookup_new(r->event, e->name, on_lookup, r, &r->lookups[r->n_lookups]);
        if (error < 0) {
            struct outcome failed = { 0 };

            outcome_fail(&failed, strerror(-error));
            end(r, e->name, &failed);
            continue;
        }
        r->n_lookups++;
    }
}

/* When all lookups are busy, the end of one is what wakes us. */
static void set_alarm(struct resolver *r) {
    uint64_t wake = r->n_lookups < RESOLVER_LOOKUPS_MAX ? schedule_wake(&r->schedule) : UINT64_MAX;

    if (wake == UINT64_MAX) {
        (void)sd_event_source_set_enabled(r->alarm, SD_EVENT_OFF);
        return;
    }
    (void)sd_event_source_set_time(r->alarm, wake);
    (void)sd_event_source_set_enabled(r->alarm, SD_EVENT_ONESHOT);
}

static void tell(struct resolver *r) {
    while (reports_are_idle(r->reports)) {
        struct entry *e = schedule_unsent(&r->schedule);

        if (!e) {
            reports_rest(r->reports);
            return;
        }
        e->is_unsent = false;
        reports_send(r->reports, e->name, outcome_json(&e->newest, e->name));
    }
}

static int on_turn(sd_event_source *source _unused_, void *userdata) {
    struct resolver *r = userdata;

    if (!needs_are_known(r->needs)) {
        (void)sd_event_source_set_enabled(r->alarm, SD_EVENT_OFF);
        return 0;
    }
    start_lookups(r, clock_monotonic());
    set_alarm(r);
    tell(r);
    return 0;
}

static int on_alarm(sd_event_source *source _unused_, uint64_t usec _unused_,
                    void *userdata _unused_) {
    return 0; /* on_turn() does it */
}

static int on_terminate(sd_event_source *source, const struct signalfd_siginfo *si _unused_,
                        void *userdata _unused_) {
    (void)sd_notify(0, "STOPPING=1");
    return sd_event_exit(sd_event_source_get_event(source), 0);
}

static int add_sources(struct resolver *r) {
    static const int ends[] = { SIGTERM, SIGINT };
    int error;

    error = sd_event_add_post(r->event, &r->turn, on_turn, r);
    if (error >= 0)
        error = sd_event_add_time_relative(r->event, &r->alarm, CLOCK_MONOTONIC, 0,
                                           ALARM_ACCURACY_USEC, on_alarm, r);
    for (size_t i = 0; error >= 0 && i < ARRAY_SIZE(ends); i++) {
        sigset_t set;

        sigemptyset(&set);
        sigaddset(&set, ends[i]);
        if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
            return -errno;
        error = sd_event_add_signal(r->event, NULL, ends[i], on_terminate, r);
    }
    return error < 0 ? error : sd_event_set_watchdog(r->event, true);
}

int resolver_new(const char *socket, struct resolver **ret) {
    _cleanup_(resolver_freep) struct resolver *r = calloc(1, sizeof(*r));
    int error;

    if (!r || ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
        return -ENOMEM;
    error = sd_event_new(&r->event);
    if (error >= 0)
        error = add_sources(r);
    if (error >= 0)
        error = needs_new(r->event, socket, on_needs, r, &r->needs);
    if (error >= 0)
        error = reports_new(r->event, socket, on_report, r, &r->reports);
    if (error < 0)
        return error;
    *ret = TAKE_PTR(r);
    return 0;
}

struct resolver *resolver_free(struct resolver *r) {
    if (!r)
        return NULL;
    while (r->n_lookups > 0)
        lookup_free(r->lookups[--r->n_lookups]);
    reports_free(r->reports);
    needs_free(r->needs);
    schedule_clear(&r->schedule);
    sd_event_source_disable_unref(r->turn);
    sd_event_source_disable_unref(r->alarm);
    sd_event_unref(r->event);
    free(r);
    ares_library_cleanup();
    return NULL;
}

int resolver_run(struct resolver *r) {
    (void)sd_notify(0, "READY=1");
    return sd_event_loop(r->event);
}
