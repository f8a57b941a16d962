/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record on disk says who granted what until when; the kernel's elements are held against it
 * like all other rules: what is in no record is a stranger's. It is written behind the kernel, so
 * that a crash between the two closes what nobody was told of. */
#include "daemon/granting.h"

#include "base/file.h"
#include "daemon/clock.h"
#include "daemon/learn.h"
#include "daemon/log.h"
#include "daemon/reconcile.h"
#include "daemon/warnings.h"
#include "engine/jsonlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define GRANTS_FILE     "grants.json"
#define GRANTS_SIZE_MAX ((size_t)1 << 20)
#define BOOT_FILE       "/proc/sys/kernel/random/boot_id"

static uint64_t now_msec(void) {
    return clock_monotonic() / 1000;
}

/* --- on disk --- */

static bool boot_read(char ret[static 64]) {
    FILE *f = fopen(BOOT_FILE, "re");
    bool ok = f && fgets(ret, 64, f);

    if (f)
        fclose(f);
    if (ok)
        ret[strcspn(ret, "\n")] = '\0';
    return ok;
}

static char *grants_path(const struct manager *m) {
    char *path = NULL;

    return asprintf(&path, "%s/" GRANTS_FILE, m->options.state_dir) < 0 ? NULL : path;
}

static int save(const struct manager *m) {
    _cleanup_(freep) char *path = grants_path(m);
    _cleanup_(freep) char *text = NULL;
    char boot[64];
    json_t *o;

    if (!boot_read(boot))
        return -ENOENT;
    o = grants_save_json(&m->grants, boot);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return path && text ? file_write_atomic(path, text, strlen(text), 0600) : -ENOMEM;
}

static void save_or_tell(struct manager *m) {
    int r = save(m);

    if (r < 0 && m->grants_save_error != r)
        log_warn("what is granted can't be saved in %s: %s; a restart of portd ends it",
                 m->options.state_dir, strerror(-r));
    m->grants_save_error = r;
}

static void take_saved(struct manager *m, const struct file *file, const char *path) {
    json_t *saved = json_loadb(file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
    char boot[64] = "";
    int r = boot_read(boot) ? grants_parse(saved, boot, &m->grants) : GRANTS_E_INVALID;

    json_decref(saved);
    if (r == GRANTS_E_OTHER_BOOT)
        log_info("what was granted before the boot has ended with it");
    else if (r != 0)
        log_warn("%s is damaged or of another version: what it granted has ended", path);
}

/* --- what is told of them --- */

static uint64_t seconds_left(const struct grant *g) {
    uint64_t now = now_msec();

    return g->until_msec > now ? (g->until_msec - now + 999) / 1000 : 0;
}

static const char *until_text(const struct grant *g, char buf[static CLOCK_TEXT_SIZE]) {
    uint64_t now = clock_monotonic(), until = g->until_msec * 1000;

    return clock_format(clock_realtime() + (until > now ? until - now : 0), buf);
}

#define WORDS_MAX (SERVICE_TEXT_MAX + RANGE_TEXT_MAX + 16)

/* "in tcp/22 from 198.51.100.7" */
static const char *words(const struct query *q, char buf[static WORDS_MAX]) {
    char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];

    snprintf(buf, WORDS_MAX, "%s %s %s %s", direction_name(q->direction),
             service_format(&q->service, service), q->direction == DIRECTION_IN ? "from" : "to",
             address_format(&q->other, q->family, address));
    return buf;
}

json_t *grant_json(const struct grant *g) {
    char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];
    char granted[CLOCK_TEXT_SIZE], until[CLOCK_TEXT_SIZE];

    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s, s:s}", "direction",
                     direction_name(g->what.direction), "service",
                     service_format(&g->what.service, service), "address",
                     address_format(&g->what.other, g->what.family, address), "granted",
                     clock_format(g->granted_usec, granted), "until", until_text(g, until),
                     "seconds", (json_int_t)seconds_left(g), "by", g->by, "reason", g->reason);
}

static json_t *item(const void *owner, size_t i) {
    return grant_json(&((const struct grants *)owner)->items[i]);
}

json_t *granting_json(const struct manager *m) {
    return json_list(&m->grants, m->grants.n, item);
}

int granting_explain(const struct manager *m, const struct query *what, json_t *explanation) {
    const struct grant *g = grants_look(&m->grants, what);
    const char *verdict = json_string_value(json_object_get(explanation, "verdict"));
    char until[CLOCK_TEXT_SIZE], buf[WORDS_MAX];
    _cleanup_(freep) char *text = NULL;

    if (m->is_off || !g || json_object_get(explanation, "flow") || !verdict ||
        strcmp(verdict, "ACCEPT") != 0)
        return 0;
    if (asprintf(&text, "%s is granted until %s by %s: %s", words(what, buf), until_text(g, until),
                 g->by, g->reason) < 0) {
        text = NULL;
        return -1;
    }
    if (json_object_set_new(explanation, "text", json_string(text)) < 0)
        return -1;
    return json_object_set_new(explanation, "grant", grant_json(g));
}

int granting_warn(const struct manager *m, json_t *warnings) {
    if (!m->grants_save_error || m->grants.n == 0)
        return 0;
    return warning_add(warnings, "grants-not-saved", "make room, then grant it again",
                       "what is granted can't be saved in %s: %s; a restart of portd ends it",
                       m->options.state_dir, strerror(-m->grants_save_error));
}

static void log_grant(const char *id, int priority, const struct grant *g, const char *what,
                      const char *by) {
    char buf[WORDS_MAX], until[CLOCK_TEXT_SIZE];
    const struct log_field fields[] = {
        { "PORTD_GRANT", words(&g->what, buf) },
        { "PORTD_UNTIL", until_text(g, until) },
        { "PORTD_BY", by },
        { "PORTD_REASON", g->reason },
    };

    log_event(priority, id, fields, ARRAY_SIZE(fields), "%s: %s, %s: %s", what, buf, by, g->reason);
}

/* --- in force --- */

/* As a change of our own: what others did to the table meanwhile is put right with it. What is in
 * the kernel and could not be read back counts, and is compared at the next look. */
static int apply(struct manager *m, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *next = NULL;
    struct reconciled done = { 0 };
    int r = learn_compile(m, m->enforced, &next);

    if (r == 0)
        r = seal_reconcile(m, next, NULL, &done, reterr);
    if (r == 0 || done.n_commits) {
        ruleset_free(m->enforced->rules);
        m->enforced->rules = TAKE_PTR(next);
        m->kernel_generation = r == 0 ? done.generation : 0;
        m->names_dirty = m->names_dirty && r != 0;
        r = 0;
    }
    reconciled_clear(&done);
    if (reconcile_is_outrun(r)) {
        report_add(reterr, (struct place){ 0 },
                   "others commit to nf_tables faster than portd can read and write: try again");
        r = KERNEL_E_REFUSED;
    }
    return r;
}

/* Only what is meant: the kernel takes it out by itself, and does so now. */
static int mean_less(struct manager *m) {
    struct ruleset *next = NULL;
    int r = learn_compile(m, m->enforced, &next);

    if (r < 0)
        return r;
    next->flags = m->enforced->rules->flags;
    next->owner = m->enforced->rules->owner;
    ruleset_free(m->enforced->rules);
    m->enforced->rules = next;
    return 0;
}

static int rearm(struct manager *m) {
    uint64_t next = grants_next(&m->grants);
    int r;

    if (!m->grants_source)
        return 0;
    if (!next)
        return sd_event_source_set_enabled(m->grants_source, SD_EVENT_OFF);
    r = sd_event_source_set_time(m->grants_source, next * 1000);
    return r < 0 ? r : sd_event_source_set_enabled(m->grants_source, SD_EVENT_ONESHOT);
}

/* Others may have prolonged it by less than is taken for a change. */
static int on_over(sd_event_source *s, uint64_t usec, void *userdata) {
    struct manager *m = userdata;
    struct report ignored = REPORT_INIT;
    bool is_any = false;
    struct grant g;
    int r = 0;

    (void)s;
    (void)usec;
    while (grants_expire(&m->grants, now_msec(), &g)) {
        log_grant(LOG_ID_GRANT_ENDED, LOG_NOTICE, &g, "the grant is over", g.by);
        is_any = true;
    }
    if (is_any) {
        save_or_tell(m);
        if (m->is_off || m->seal.unsealed_until_usec || apply(m, &ignored) != 0)
            r = mean_less(m);
        manager_announce(m);
    }
    report_clear(&ignored);
    return r < 0 ? r : rearm(m);
}

int granting_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->grants_source, CLOCK_MONOTONIC, 0, 1, on_over, m);

    return r < 0 ? r : rearm(m);
}

void granting_load(struct manager *m) {
    _cleanup_(freep) char *path = grants_path(m);
    struct report why = REPORT_INIT;
    struct file file = { 0 };
    int r = path ? file_read(path, GRANTS_SIZE_MAX, &file, &why) : -ENOMEM;
    struct grant g;

    if (r == FILE_E_REFUSED)
        log_report(LOG_WARNING, &why);
    report_clear(&why);
    if (r == 0)
        take_saved(m, &file, path);
    file_clear(&file);
    while (grants_expire(&m->grants, now_msec(), &g))
        log_grant(LOG_ID_GRANT_ENDED, LOG_NOTICE, &g, "the grant is over", g.by);
    for (size_t i = 0; i < m->grants.n; i++)
        log_info("granted before this start, for %" PRIu64 " s more",
                 seconds_left(&m->grants.items[i]));
}

static int refuse(struct report *reterr, const char *text) {
    report_add(reterr, (struct place){ 0 }, "%s", text);
    return KERNEL_E_REFUSED;
}

/* Nothing may be written while others may write, or there is nothing to write to. */
static int refuse_now(const struct manager *m, struct report *reterr) {
    if (m->is_off)
        return refuse(reterr, "portd is off: nothing is denied that could be granted");
    if (m->seal.unsealed_until_usec)
        return refuse(reterr, "the table is unsealed, and what is in it stays as it is until then: "
                              "portd-ctl seal, then try again");
    return 0;
}

/* As it was: what could not be put in force is not granted, and not ended. */
static int take_back(struct manager *m, struct grants *before, int r) {
    m->grants = *before;
    return r;
}

static int settle(struct manager *m) {
    save_or_tell(m);
    manager_announce(m);
    return rearm(m);
}

int granting_give(struct manager *m, struct grant *g, uint64_t seconds, struct report *reterr) {
    struct grants before = m->grants;
    int r = refuse_now(m, reterr);

    if (r != 0)
        return r;
    g->granted_usec = clock_realtime();
    g->until_msec = now_msec() + seconds * 1000;
    if (!grants_add(&m->grants, g))
        return refuse(reterr, "64 grants are in force already: end one with portd-ctl revoke");
    r = apply(m, reterr);
    if (r != 0)
        return take_back(m, &before, r);
    log_grant(LOG_ID_GRANTED, LOG_WARNING, g, "granted", g->by);
    return settle(m);
}

int granting_end(struct manager *m, const struct query *what, const char *by,
                 struct report *reterr) {
    struct grants before = m->grants;
    struct grant *g = grants_find(&m->grants, what), ended;
    int r = refuse_now(m, reterr);

    if (r != 0)
        return r;
    if (!g)
        return refuse(reterr, "that is not granted; what is: portd-ctl grants");
    ended = *g;
    grants_remove(&m->grants, g);
    r = apply(m, reterr);
    if (r != 0)
        return take_back(m, &before, r);
    log_grant(LOG_ID_GRANT_ENDED, LOG_NOTICE, &ended, "the grant is ended", by);
    return settle(m);
}

void granting_off(struct manager *m, const char *by) {
    for (size_t i = 0; i < m->grants.n; i++)
        log_grant(LOG_ID_GRANT_ENDED, LOG_NOTICE, &m->grants.items[i],
                  "the grant is ended, portd was turned off", by);
    if (m->grants.n == 0)
        return;
    m->grants = (struct grants){ 0 };
    (void)settle(m);
}
