/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thin loop: sources note, one place acts. A burst of commits by somebody else is one look at
 * the kernel, and lost events only mean that we look anyway. */
#include "daemon/manager.h"

#include "daemon/clock.h"
#include "daemon/denied.h"
#include "daemon/granting.h"
#include "daemon/learn.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/notify.h"
#include "daemon/reconcile.h"
#include "daemon/service.h"
#include "daemon/status.h"
#include "daemon/usage.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Between two looks at the kernel's generation and at the seal, whatever was heard. */
#define LOOK_USEC ((uint64_t)1000 * 1000)
/* Commits that don't touch our table are looked at together. */
#define GATHER_USEC ((uint64_t)100 * 1000)
/* After the kernel refused. Whom others outran tries again sooner, as after GATHER_USEC. */
#define RETRY_USEC ((uint64_t)1000 * 1000)

static const char *const state_names[] = {
    [STATE_ENFORCING] = "enforcing", [STATE_LEARNING] = "learning",   [STATE_AUDIT] = "audit",
    [STATE_DEGRADED] = "degraded",   [STATE_CONTESTED] = "contested", [STATE_OFF] = "off",
};
static_assert(ARRAY_SIZE(state_names) == STATE_MAX, "a state has no name");

const char *state_name(enum state s) {
    return state_names[s];
}

enum state manager_state(const struct manager *m) {
    const struct intent *in = m->enforced->intent;

    if (m->is_off)
        return STATE_OFF;
    if (backoff_is_fight(&m->backoff, clock_monotonic()))
        return STATE_CONTESTED;
    if (!report_is_empty(&m->mistakes) || m->refusal || seal_get(m) >= SEAL_UNSEALED)
        return STATE_DEGRADED;
    if (m->learn_until_usec)
        return STATE_LEARNING;
    if (in->modes[DIRECTION_IN] != MODE_ENFORCE || in->modes[DIRECTION_OUT] != MODE_ENFORCE ||
        in->n_audited > 0)
        return STATE_AUDIT;
    return STATE_ENFORCING;
}

static void announce_status(struct manager *m) {
    char *line = status_line(m);

    if (!line || (m->status && strcmp(m->status, line) == 0)) {
        free(line);
        return;
    }
    free(m->status);
    m->status = line;
    service_status(line);
}

void manager_announce(struct manager *m) {
    enum state now = manager_state(m);

    denied_observe(m);
    announce_status(m);
    if (now == m->announced)
        return;
    m->announced = now;
    log_info("state: %s", state_name(now));
    notify_state(m);
}

static int act_later(struct manager *m, uint64_t usec) {
    int r = sd_event_source_set_time(m->due_source, usec);

    return r < 0 ? r : sd_event_source_set_enabled(m->due_source, SD_EVENT_ONESHOT);
}

static int act_soon(struct manager *m) {
    return sd_event_source_set_enabled(m->act_source, SD_EVENT_ONESHOT);
}

static int mark_dirty(struct manager *m) {
    if (!m->is_dirty)
        m->dirty_usec = clock_monotonic();
    m->is_dirty = true;
    return act_soon(m);
}

static void news_merge(struct watch_news *to, const struct watch_news *news) {
    bool keep = to->n_touching && !news->n_touching;
    struct watch_commit last = keep ? to->last : news->last;

    scope_merge(&to->scope, &news->scope);

    *to = (struct watch_news){
        .any = to->any || news->any,
        .overflow = to->overflow || news->overflow,
        .n_commits = to->n_commits + news->n_commits,
        .n_touching = to->n_touching + news->n_touching,
        .last = last,
        .scope = to->scope,
    };
}

/* A fight is told of by name, also before the first repair and where news of it were lost. */
static void news_note(struct manager *m, const struct watch_news *news) {
    news_merge(&m->news, news);
    if (news->n_touching && news->last.command[0])
        process_text(news->last.command, m->suspect, sizeof(m->suspect));
}

/* A look may come before the news of what it found: the kernel has told them all the same. True
 * when something was heard: some of it may have come behind that look. */
static bool hear_of_drift(struct manager *m) {
    struct watch_news news;

    if (m->news.n_touching || watch_drain(m->watch, &news) < 0)
        return false;
    news_note(m, &news);
    return true;
}

/* First of all that tells of it, because its place in the history is told, too. */
static void remember(struct manager *m, struct drift *d) {
    json_t *record = drift_json(d);

    if (!record || history_add(m->history, record, &d->at) < 0)
        log_warn("a drift is missing in the history: memory is out");
    json_decref(record);
}

static void record_drift(struct manager *m, struct reconciled *done, bool repaired) {
    struct drift d = {
        .seen_usec = clock_realtime(),
        .lines = TAKE_PTR(done->lines),
        .n_lines = done->n_lines,
    };

    if (m->news.n_touching)
        drift_blame(&d, &m->news.last, m->witness);
    if (repaired && done->applied_usec > m->dirty_usec)
        d.repaired_usec = done->applied_usec - m->dirty_usec;
    remember(m, &d);
    drift_log(&d);
    drift_clear(&m->last_drift);
    m->last_drift = d;
    m->n_drifts++;
    if (d.repaired_usec)
        latency_add(&m->repairs, d.repaired_usec);
    m->news = (struct watch_news){ 0 };
    notify_drift(m);
}

/* What keeps the kernel from saying what we mean, after a repair that returned `r`. */
static char *refusal_text(int r, const struct report *why) {
    char *text = NULL;

    if (why->n_entries)
        return report_entry_text(&why->entries[0]);
    if (reconcile_is_outrun(r))
        return strdup("others commit to nf_tables faster than portd can read and write");
    if (r > 0)
        return strdup("the kernel refused the rules");
    return asprintf(&text, "the kernel's rules can't be read or written: %s", strerror(-r)) < 0
               ? NULL
               : text;
}

/* Logged once, however often it is tried again. */
static void refusal_set(struct manager *m, int r, const struct report *why) {
    char *text = refusal_text(r, why);
    bool is_known = text && m->refusal && strcmp(text, m->refusal) == 0;

    free(m->refusal);
    m->refusal = text ? text : strdup("the rules in the kernel are not the policy's");
    if (!is_known)
        log_event(LOG_ERR, LOG_ID_REFUSED, NULL, 0, "the rules can't be put in force: %s",
                  m->refusal ? m->refusal : "?");
}

static void refusal_clear(struct manager *m) {
    free(m->refusal);
    m->refusal = NULL;
}

static bool news_is_of_us(const struct watch_news *news) {
    return news->n_touching || news->overflow;
}

/* Others' commits kept us from reading, but none was about our table and it may soon be over. */
static bool is_burst(const struct manager *m, int r) {
    return r == -EAGAIN && !news_is_of_us(&m->news) &&
           clock_monotonic() < m->dirty_usec + LOOK_USEC;
}

/* A refused batch holds everybody's commits up; others who outrun us at our own table fight us. */
static bool is_futile(const struct manager *m, int r) {
    return r == KERNEL_E_REFUSED || (reconcile_is_outrun(r) && news_is_of_us(&m->news));
}

/* Where nobody was heard of, somebody may have changed anything. */
static struct scope drift_scope(const struct manager *m) {
    return m->news.n_touching ? m->news.scope : (struct scope){ .is_all = true };
}

static int repair(struct manager *m) {
    uint64_t begun = clock_monotonic();
    struct scope drift = drift_scope(m);
    struct reconciled done = { 0 };
    struct report why = REPORT_INIT;
    int r = seal_return(m, &why);

    if (r == 0)
        r = seal_reconcile(m, m->enforced->rules, &drift, &done, &why);
    if (r == 0) {
        m->kernel_generation = done.generation;
        if (!m->names_dirty) /* else it may be theirs, and is cleared with them */
            refusal_clear(m);
    }
    if (done.lines || is_futile(m, r))
        backoff_spend(&m->backoff, begun, clock_monotonic());
    if (done.lines) {
        bool is_heard = hear_of_drift(m);

        record_drift(m, &done, r == 0);
        if (is_heard)
            (void)mark_dirty(m);
    }
    if (r != 0 && !is_burst(m, r))
        refusal_set(m, r, &why);
    reconciled_clear(&done);
    report_clear(&why);
    return r;
}

/* Not that the changes for the sake of names take up all our time and the kernel's. */
static uint64_t names_due(int r, uint64_t began, uint64_t ended) {
    uint64_t gap = (ended - began) * NAMES_SHARE;

    if (r != 0 && r != KERNEL_E_STALE && r != KERNEL_E_UNKNOWN && gap < RETRY_USEC)
        gap = RETRY_USEC;
    return ended + (gap > NAMES_GAP_USEC ? gap : NAMES_GAP_USEC);
}

/* Only once the table is known to be as we left it. */
static int act_on_names(struct manager *m) {
    uint64_t now = clock_monotonic();
    struct report why = REPORT_INIT;
    int r;

    if (now < m->names_due_usec)
        return act_later(m, m->names_due_usec);
    r = names_apply(m, &why);
    m->names_due_usec = names_due(r, now, clock_monotonic());
    m->names_dirty = r != 0;
    if (r == 0)
        refusal_clear(m);
    else if (r != KERNEL_E_STALE && r != KERNEL_E_UNKNOWN)
        refusal_set(m, r, &why);
    report_clear(&why);
    manager_announce(m);
    if (r == KERNEL_E_STALE || r == KERNEL_E_UNKNOWN)
        return mark_dirty(m);
    return r == 0 ? 0 : act_later(m, m->names_due_usec);
}

/* While something is dirty a look is due already, and the names come right behind it. */
int manager_names_changed(struct manager *m) {
    if (!m->names_dirty)
        m->names_dirty_usec = clock_realtime();
    m->names_dirty = true;
    return m->is_dirty ? 0 : act_soon(m);
}

/* The one place that acts on what the sources noted. */
static int manager_act(sd_event_source *s, void *userdata) {
    struct manager *m = userdata;
    uint64_t now = clock_monotonic(), due = backoff_due(&m->backoff, now);
    int r;

    (void)s;
    if (m->seal.unsealed_until_usec)
        return 0;
    if (m->is_off || !m->is_dirty) {
        m->is_dirty = false;
        m->news = (struct watch_news){ 0 };
        return m->is_off || !m->names_dirty ? 0 : act_on_names(m);
    }
    if (due > now) {
        manager_announce(m);
        return act_later(m, due);
    }
    m->is_dirty = false;
    r = repair(m);
    if (r == 0)
        m->news = (struct watch_news){ 0 };
    manager_announce(m);
    if (r == 0)
        return m->names_dirty ? act_on_names(m) : 0;
    m->is_dirty = true;
    return act_later(m, clock_monotonic() + (reconcile_is_outrun(r) ? GATHER_USEC : RETRY_USEC));
}

static int on_due(sd_event_source *s, uint64_t usec, void *userdata) {
    (void)usec;
    return manager_act(s, userdata);
}

/* While something is dirty a look is due already: only news of our own table hasten it. */
static int on_commit(sd_event_source *s, int fd, uint32_t events, void *userdata) {
    struct manager *m = userdata;
    bool was_of_us = news_is_of_us(&m->news);
    struct watch_news news = { 0 };
    int r = watch_drain(m->watch, &news);

    (void)s;
    (void)fd;
    (void)events;
    if (r < 0) { /* deaf, we are better started anew: the rules stay */
        log_error("the watch on the kernel is broken: %s", strerror(-r));
        return sd_event_exit(m->event, r);
    }
    if (!news.any && !news.overflow)
        return 0;
    auditor_note(m->auditor, false);
    news_note(m, &news);
    if (news.n_touching)
        drift_suspect(&news.last, m->witness);
    if (news_is_of_us(&news)) {
        m->is_dirty = m->is_dirty && was_of_us; /* else it is dirty since now */
        return mark_dirty(m);
    }
    if (m->is_dirty)
        return 0;
    m->is_dirty = true;
    m->dirty_usec = clock_monotonic();
    return act_later(m, m->dirty_usec + GATHER_USEC);
}

/* Whatever was or wasn't heard: another generation than the one we compared at means to look. */
static int on_look(sd_event_source *s, uint64_t usec, void *userdata) {
    struct manager *m = userdata;
    uint32_t generation;
    int r = kernel_generation(m->kernel, &generation);
    int lost = seal_look(m);

    (void)usec;
    if (((r == 0 && generation != m->kernel_generation) || lost > 0) && !m->is_off)
        r = mark_dirty(m);
    else
        manager_announce(m);
    if (r < 0 || lost < 0)
        log_error("the kernel's generation can't be read: %s", strerror(-(r < 0 ? r : lost)));
    r = sd_event_source_set_time(s, clock_monotonic() + LOOK_USEC);
    return r < 0 ? r : sd_event_source_set_enabled(s, SD_EVENT_ONESHOT);
}

static int on_seal(sd_event_source *s, uint64_t usec, void *userdata) {
    (void)s;
    (void)usec;
    return manager_seal(userdata, "the time is over");
}

int manager_unseal(struct manager *m, uint64_t usec, const char *by, const char *reason,
                   struct report *reterr) {
    int r = seal_open(m, usec, reterr);

    if (r != 0)
        return r;
    log_event(LOG_WARNING, LOG_ID_UNSEALED, NULL, 0,
              "unsealed by %s for %" PRIu64 " s: others can write to our table, and what they "
              "change stays until then%s%s",
              by, usec / 1000000, reason ? ": " : "", reason ? reason : "");
    r = sd_event_source_set_time(m->seal_source, m->seal.unsealed_until_usec);
    if (r >= 0)
        r = sd_event_source_set_enabled(m->seal_source, SD_EVENT_ONESHOT);
    manager_announce(m);
    return r;
}

int manager_seal(struct manager *m, const char *by) {
    if (!m->seal.unsealed_until_usec)
        return 0;
    seal_close(m);
    log_info("sealing again: %s", by);
    return mark_dirty(m);
}

static int on_hangup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
    struct report mistakes = REPORT_INIT;
    struct reload q = { .by = "signal", .reason = "SIGHUP" };
    int r = manager_reload(userdata, &q, &mistakes);

    (void)s;
    (void)si;
    if (r < 0)
        log_error("the files can't be loaded: %s", strerror(-r));
    log_report(LOG_ERR, &mistakes);
    report_clear(&mistakes);
    reload_clear(&q);
    return 0;
}

static int on_terminate(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
    struct manager *m = userdata;

    (void)s;
    (void)si;
    service_stopping();
    log_info("stopping; %s", m->is_off ? "nothing was enforced" : "the rules stay in force");
    return sd_event_exit(m->event, 0);
}

static int source_log(int r, const char *what) {
    if (r < 0)
        log_error("%s: %s", what, strerror(-r));
    return r;
}

static int add_signals(struct manager *m) {
    sigset_t mask;
    int r;

    sigemptyset(&mask);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGCHLD); /* as sd-event wants it of whoever has a child */
    if (sigprocmask(SIG_BLOCK, &mask, NULL) < 0)
        return -errno;
    r = sd_event_add_signal(m->event, NULL, SIGHUP, on_hangup, m);
    if (r >= 0)
        r = sd_event_add_signal(m->event, NULL, SIGTERM, on_terminate, m);
    if (r >= 0)
        r = sd_event_add_signal(m->event, NULL, SIGINT, on_terminate, m);
    return r;
}

static int add_sources(struct manager *m) {
    uint64_t now = clock_monotonic();
    int r;

    r = sd_event_add_defer(m->event, &m->act_source, manager_act, m);
    if (r >= 0)
        r = sd_event_source_set_enabled(m->act_source, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(m->event, &m->due_source, CLOCK_MONOTONIC, now, 1, on_due, m);
    if (r >= 0)
        r = sd_event_source_set_enabled(m->due_source, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_time(m->event, &m->look_source, CLOCK_MONOTONIC, now + LOOK_USEC, 0,
                              on_look, m);
    if (r >= 0)
        r = sd_event_add_time(m->event, &m->seal_source, CLOCK_MONOTONIC, now, 0, on_seal, m);
    if (r >= 0)
        r = sd_event_source_set_enabled(m->seal_source, SD_EVENT_OFF);
    if (r >= 0)
        r = sd_event_add_io(m->event, NULL, watch_fd(m->watch), EPOLLIN, on_commit, m);
    if (r >= 0)
        r = add_signals(m);
    if (r >= 0)
        r = names_attach(m);
    if (r >= 0)
        r = learn_attach(m);
    if (r >= 0)
        r = trial_attach(m);
    if (r >= 0)
        r = usage_attach(m);
    if (r >= 0)
        r = granting_attach(m);
    if (r >= 0)
        r = sd_event_set_watchdog(m->event, true);
    return source_log(r, "the event loop can't be set up");
}

/* While portd is off nothing can go around it. */
static const struct intent *enforced_intent(void *userdata, const char **ret_table) {
    const struct manager *m = userdata;

    *ret_table = kernel_table(m->kernel);
    return m->is_off ? NULL : m->enforced->intent;
}

static int manager_serve(struct manager *m) {
    const struct server_options o = {
        .fd = m->options.listen_fd,
        .read_group = m->options.read_group,
        .resolver = m->options.resolver,
        .methods = manager_methods,
        .n_methods = manager_n_methods,
        .userdata = m,
    };
    int r;

    r = sd_event_default(&m->event);
    if (r < 0)
        return r;
    r = add_sources(m);
    if (r < 0)
        return r;
    r = auditor_new(m->event, m->options.legacy, enforced_intent, m, &m->auditor);
    if (r < 0)
        return r;
    r = disk_new(m->event, &m->options.input, &m->enforced->stamps, &m->disk);
    if (r < 0)
        return r;
    r = server_new(m->event, &o, &m->server);
    if (r < 0)
        return r;
    (void)service_store(SERVICE_LISTENER, TAKE_FD(m->options.listen_fd)); /* the server's now */
    return denied_attach(m);
}

int manager_new(const struct manager_options *o, struct manager **ret, struct report *reterr) {
    _cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
    int r;

    if (!m) {
        fd_close(o->listen_fd);
        fd_close(o->owner_fd);
        fd_close(o->reader);
        return -ENOMEM;
    }
    m->options = *o;
    m->started_usec = clock_realtime();
    r = denied_new(o->reader, &m->denied);
    if (r == 0)
        r = history_open(o->state_dir, &m->history);
    if (r == 0)
        r = usage_new(o->state_dir, &m->usage);
    if (r == 0)
        r = witness_new(&m->witness);
    if (r < 0)
        return r;
    r = manager_load_first(m, reterr);
    if (r != 0)
        return r;
    r = manager_serve(m);
    if (r < 0)
        return r;
    m->announced = STATE_MAX;
    manager_announce(m);
    *ret = TAKE_PTR(m);
    return 0;
}

int manager_run(struct manager *m) {
    service_ready();
    return sd_event_loop(m->event);
}

struct manager *manager_free(struct manager *m) {
    if (!m)
        return NULL;
    if (m->enforced) {
        names_save(m);
        usage_end(m);
    }
    denied_free(m->denied);
    usage_free(m->usage);
    server_free(m->server);
    sd_event_source_unref(m->learn_source);
    sd_event_source_unref(m->grants_source);
    auditor_free(m->auditor);
    disk_free(m->disk);
    sd_event_source_unref(m->save_source);
    sd_event_source_unref(m->act_source);
    sd_event_source_unref(m->due_source);
    sd_event_source_unref(m->look_source);
    sd_event_source_unref(m->seal_source);
    sd_event_unref(m->event);
    watch_free(m->watch);
    kernel_free(m->kernel);
    enforced_free(m->enforced);
    resolved_clear(&m->names);
    report_clear(&m->mistakes);
    drift_clear(&m->last_drift);
    history_free(m->history);
    witness_free(m->witness);
    free(m->refusal);
    held_free(m->held);
    trial_clear(&m->trial);
    free(m->save_error);
    free(m->status);
    fd_close(m->options.owner_fd);
    fd_close(m->options.listen_fd);
    free(m);
    return NULL;
}
