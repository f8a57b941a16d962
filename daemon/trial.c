/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever happens between two of these steps ends at the policy before: the record is written
 * first and taken away last, and one that nobody waits for any more means to be back. */
#include "daemon/trial.h"

#include "base/file.h"
#include "daemon/clock.h"
#include "daemon/generations.h"
#include "daemon/log.h"
#include "daemon/manager.h"
#include "daemon/record.h"
#include "nft/kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define UNCONFIRMED "unconfirmed.json"
#define ROLLED_BACK "rolled-back.json"
#define BOOT_ID     "/proc/sys/kernel/random/boot_id"

/* After going back failed. */
#define RETRY_USEC ((uint64_t)1000 * 1000)

void trial_clear(struct trial *t) {
    json_decref(t->record);
    sd_event_source_unref(t->timer);
    free(t->error);
    *t = (struct trial){ 0 };
}

static const char *member_text(const json_t *o, const char *key) {
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

static uint64_t member_number(const json_t *o, const char *key) {
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

static json_t *record_back(const json_t *record) {
    return json_object_get(record, "back");
}

uint64_t trial_generation(const struct trial *t) {
    return member_number(record_back(t->record), "generation");
}

/* --- the two names on disk --- */

static int remove_name(const struct manager *m, const char *name) {
    _cleanup_(freep) char *path = record_path(m->options.state_dir, name);

    if (!path)
        return -ENOMEM;
    if (unlink(path) < 0)
        return errno == ENOENT ? 0 : -errno;
    return file_sync_directory(path);
}

static int rename_to_rolled_back(const struct manager *m, const json_t *record) {
    _cleanup_(freep) char *from = record_path(m->options.state_dir, UNCONFIRMED);
    _cleanup_(freep) char *to = record_path(m->options.state_dir, ROLLED_BACK);

    if (!from || !to)
        return -ENOMEM;
    if (rename(from, to) == 0)
        return file_sync_directory(to);
    if (errno != ENOENT)
        return -errno;
    return access(to, F_OK) == 0 ? 0 : record_save(to, record); /* it was tried before, or taken */
}

static int save_as(const struct manager *m, const char *name, const json_t *record) {
    _cleanup_(freep) char *path = record_path(m->options.state_dir, name);

    return path ? record_save(path, record) : -ENOMEM;
}

/* NULL: there is none, or it can't be used, which is logged. */
static json_t *load_from(const struct manager *m, const char *name) {
    _cleanup_(freep) char *path = record_path(m->options.state_dir, name);
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    json_t *record = NULL;
    int r = path ? record_load(path, &record, &ignored) : -ENOMEM;

    if (r == 0 && record_back(record))
        return record;
    json_decref(record);
    if (r != RECORD_E_ABSENT)
        log_error("%s in %s is damaged and is not used", name, m->options.state_dir);
    return NULL;
}

/* The result of who says why to whoever asked. */
#define refuse(reterr, ...) (report_add(reterr, (struct place){ 0 }, __VA_ARGS__), KERNEL_E_REFUSED)

/* --- which boot this is --- */

/* The service manager tells it where the unit hides /proc/sys. "": can't be told. */
static void boot_read(const struct manager *m, char ret[static 64]) {
    FILE *f = m->options.boot_id ? NULL : fopen(BOOT_ID, "re");

    snprintf(ret, 64, "%s", m->options.boot_id ? m->options.boot_id : "");
    if (!f)
        return;
    if (!fgets(ret, 64, f))
        *ret = '\0';
    ret[strcspn(ret, "\n")] = '\0';
    fclose(f);
}

/* --- before and after the commit --- */

/* What is in force, as the last load saved it; NULL: it could not be saved. */
static json_t *in_force(const struct manager *m) {
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    json_t *snapshot = NULL;

    if (snapshot_read(m->options.state_dir, &snapshot, &ignored) == 0 &&
        strcmp(member_text(snapshot, "digest"), m->enforced->digest) == 0)
        return snapshot;
    json_decref(snapshot);
    return NULL;
}

static json_t *record_make(const struct manager *m, const struct reload *q, const char *digest,
                           json_t *back) {
    uint64_t usec = (uint64_t)q->confirm_sec * 1000000;
    uint64_t deadline = clock_boottime() + usec, until = clock_realtime() + usec;
    char boot[64];

    boot_read(m, boot);
    return json_pack("{s:s, s:s*, s:I, s:s, s:s, s:I, s:I, s:I, s:o}", "by", q->by, "reason",
                     q->reason, "time_usec", (json_int_t)clock_realtime(), "digest", digest, "boot",
                     boot, "usec", (json_int_t)usec, "deadline_usec", (json_int_t)deadline,
                     "until_usec", (json_int_t)until, "back", back);
}

int trial_prepare(struct manager *m, const struct reload *q, const struct enforced *next,
                  json_t **ret, struct report *reterr) {
    json_t *back = in_force(m);
    json_t *record;
    int r;

    if (!back)
        return refuse(reterr,
                      "what is in force is not saved in %s, so that portd could not go "
                      "back to it: make room there, then portd-ctl reload without "
                      "--confirm",
                      m->options.state_dir);
    record = record_make(m, q, next->digest, back);
    if (!record)
        return -ENOMEM;
    if (!*member_text(record, "boot")) {
        json_decref(record);
        return refuse(reterr, "portd can't tell this boot from the next: start it with --boot-id, "
                              "as its unit does");
    }
    r = save_as(m, UNCONFIRMED, record);
    if (r == 0) {
        *ret = record;
        return 0;
    }
    json_decref(record);
    return refuse(reterr, "what to go back to can't be saved in %s: %s; nothing was changed",
                  m->options.state_dir, strerror(-r));
}

/* Is it not to be removed, it means to go back, to what is in force anyway. */
void trial_cancel(struct manager *m, json_t *record) {
    int r = record ? remove_name(m, UNCONFIRMED) : 0;

    json_decref(record);
    if (r < 0)
        log_error("%s can't be removed from %s: %s", UNCONFIRMED, m->options.state_dir,
                  strerror(-r));
}

static int wake_at(struct manager *m, uint64_t usec) {
    int r = sd_event_source_set_time(m->trial.timer, usec);

    return r < 0 ? r : sd_event_source_set_enabled(m->trial.timer, SD_EVENT_ONESHOT);
}

static void trial_wait(struct manager *m, json_t *record) {
    json_decref(m->trial.record);
    m->trial.record = record;
    m->trial.is_waiting = true;
    m->trial.deadline_usec = member_number(record, "deadline_usec");
}

int trial_begin(struct manager *m, json_t *record) {
    trial_wait(m, record);
    log_event(LOG_WARNING, LOG_ID_UNCONFIRMED, NULL, 0,
              "generation %" PRIu64 " waits %" PRIu64 " s for its confirmation, else generation "
              "%" PRIu64 " comes back",
              m->generation, member_number(record, "usec") / 1000000, trial_generation(&m->trial));
    return wake_at(m, m->trial.deadline_usec);
}

static void forget(struct manager *m) {
    json_decref(m->trial.record);
    m->trial.record = NULL;
    m->trial.is_waiting = false;
    free(m->trial.error);
    m->trial.error = NULL;
    if (m->trial.timer)
        (void)sd_event_source_set_enabled(m->trial.timer, SD_EVENT_OFF);
}

void trial_end(struct manager *m) {
    int r = remove_name(m, ROLLED_BACK);

    if (r == 0)
        r = remove_name(m, UNCONFIRMED); /* one that was damaged */
    if (r < 0)
        log_error("%s can't be removed from %s: %s; the next start goes back again", ROLLED_BACK,
                  m->options.state_dir, strerror(-r));
    forget(m);
}

int manager_confirm(struct manager *m, const char *by, struct report *reterr) {
    int r;

    if (!m->trial.is_waiting)
        return refuse(reterr, "%s",
                      m->trial.record ? "it is too late: what was to be confirmed is rolled back"
                                      : "no reload waits to be confirmed");
    r = remove_name(m, ROLLED_BACK); /* of an earlier one: the other keeps us safe until the end */
    if (r == 0)
        r = remove_name(m, UNCONFIRMED);
    if (r < 0)
        return refuse(reterr, "%s can't be removed from %s: %s; it still waits", UNCONFIRMED,
                      m->options.state_dir, strerror(-r));
    forget(m);
    log_event(LOG_INFO, LOG_ID_CONFIRMED, NULL, 0, "generation %" PRIu64 " is confirmed by %s",
              m->generation, by);
    manager_announce(m);
    return 0;
}

/* --- going back --- */

static void log_rolled_back(const struct manager *m, const char *by, const char *why) {
    log_event(LOG_WARNING, LOG_ID_ROLLED_BACK, NULL, 0,
              "rolled back to generation %" PRIu64 " by %s: %s; the files are not what is in force",
              trial_generation(&m->trial), by, why);
}

static int apply_back(struct manager *m, json_t *back, struct reload *q, struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *next = NULL;
    int r = snapshot_enforce(back, m->options.input.host, &next, reterr);

    if (r != 0)
        return r < 0 ? r : ENFORCED_E_INVALID;
    q->restores = generations_origin(m->options.state_dir, member_number(back, "generation"));
    return manager_apply(m, q, &next, reterr);
}

/* What a restart keeps, too. Should it fail, the deadline in the file does the same. */
static void promise(const struct manager *m, const json_t *record) {
    int r = rename_to_rolled_back(m, record);

    if (r < 0)
        log_error("%s can't be renamed in %s: %s", UNCONFIRMED, m->options.state_dir, strerror(-r));
}

static int end_waiting(struct manager *m, struct reload *q, struct report *reterr) {
    int r;

    promise(m, m->trial.record);
    r = m->is_off ? 0 : apply_back(m, record_back(m->trial.record), q, reterr);
    if (r != 0)
        return r;
    m->trial.is_waiting = false;
    m->trial.since_usec = clock_realtime();
    free(m->trial.error);
    m->trial.error = NULL;
    (void)sd_event_source_set_enabled(m->trial.timer, SD_EVENT_OFF);
    log_rolled_back(m, q->by, q->reason);
    manager_announce(m);
    return 0;
}

static void failure_note(struct manager *m, int r, const struct report *why) {
    char *text = why->n_entries ? report_entry_text(&why->entries[0]) : strdup(strerror(abs(r)));

    if (text && !m->trial.error)
        log_error("going back fails, and is tried again: %s", text);
    free(m->trial.error);
    m->trial.error = text;
}

static int on_time(sd_event_source *s, uint64_t usec, void *userdata) {
    struct manager *m = userdata;
    struct reload q = { .by = "portd", .reason = "not confirmed in time" };
    struct report why = REPORT_INIT;
    int r;

    (void)s;
    (void)usec;
    if (!m->trial.is_waiting)
        return 0;
    r = end_waiting(m, &q, &why);
    if (r != 0)
        failure_note(m, r, &why);
    reload_clear(&q);
    report_clear(&why);
    return r == 0 ? 0 : wake_at(m, clock_boottime() + RETRY_USEC);
}

int trial_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->trial.timer, CLOCK_BOOTTIME, m->trial.deadline_usec, 0,
                              on_time, m);

    if (r < 0 || m->trial.is_waiting)
        return r;
    return sd_event_source_set_enabled(m->trial.timer, SD_EVENT_OFF);
}

/* --- by hand --- */

static int find_generation(const struct manager *m, uint64_t number, json_t **ret,
                           struct report *reterr) {
    uint64_t wanted = number ? number : generations_before(m->options.state_dir, m->generation);
    int r = wanted ? generations_load(m->options.state_dir, wanted, ret) : GENERATIONS_E_ABSENT;

    if (r == GENERATIONS_E_ABSENT && !number)
        return refuse(reterr, "no generation before this one is kept");
    if (r == GENERATIONS_E_ABSENT)
        return refuse(reterr,
                      "generation %" PRIu64 " is not kept; those that are: portd-ctl "
                      "generations",
                      number);
    if (r == GENERATIONS_E_INVALID)
        return refuse(reterr, "generation %" PRIu64 " is damaged on disk", wanted);
    return r;
}

/* The record first: a restart must not load the files in its place. */
static int restore(struct manager *m, json_t *back, struct reload *q, struct report *reterr) {
    json_t *record = record_make(m, q, "", json_incref(back)), *before = m->trial.record;
    int r;

    if (!record)
        return -ENOMEM;
    r = save_as(m, ROLLED_BACK, record);
    if (r < 0) {
        json_decref(record);
        return refuse(reterr, "what to go back to can't be saved in %s: %s; nothing was changed",
                      m->options.state_dir, strerror(-r));
    }
    r = apply_back(m, back, q, reterr);
    if (r != 0) {
        if ((before ? save_as(m, ROLLED_BACK, before) : remove_name(m, ROLLED_BACK)) < 0)
            log_error("%s stays in %s", ROLLED_BACK, m->options.state_dir);
        json_decref(record);
        return r;
    }
    m->trial.record = record;
    m->trial.since_usec = clock_realtime();
    json_decref(before);
    log_rolled_back(m, q->by, q->reason ? q->reason : "no reason given");
    return 0;
}

int manager_rollback(struct manager *m, uint64_t number, struct reload *q, struct report *reterr) {
    json_t *back = NULL;
    int r;

    if (m->is_off)
        return refuse(reterr, "portd is off; to enforce again: portd-ctl reload");
    if (m->trial.is_waiting && number && number != trial_generation(&m->trial))
        return refuse(reterr, "a reload waits to be confirmed: first portd-ctl confirm, or "
                              "portd-ctl rollback without a number");
    if (m->trial.is_waiting) {
        if (!q->reason)
            q->reason = "not confirmed";
        return end_waiting(m, q, reterr);
    }
    r = find_generation(m, number, &back, reterr);
    if (r == 0)
        r = restore(m, back, q, reterr);
    json_decref(back);
    if (r == 0)
        manager_announce(m);
    return r;
}

/* --- at start --- */

/* Why it is over; NULL: it waits on. */
static const char *over(const struct manager *m, const json_t *record) {
    uint64_t now = clock_boottime(), deadline = member_number(record, "deadline_usec");
    struct snapshot saved = { 0 };
    _cleanup_(report_clear) struct report ignored = REPORT_INIT;
    char boot[64];

    boot_read(m, boot);
    if (!*boot || strcmp(member_text(record, "boot"), boot) != 0)
        return "the machine was booted before it was confirmed";
    if (now >= deadline || deadline - now > member_number(record, "usec"))
        return "not confirmed in time";
    if (snapshot_load(m->options.state_dir, m->options.input.host, false, &saved, &ignored) != 0 ||
        strcmp(saved.digest, member_text(record, "digest")) != 0)
        return "it was not saved before portd ended";
    return NULL;
}

/* What is tried is in the snapshot. */
static int go_on_waiting(struct manager *m, json_t *record, struct enforced **ret) {
    struct snapshot saved = { 0 };
    struct report why = REPORT_INIT;
    int r = snapshot_load(m->options.state_dir, m->options.input.host, true, &saved, &why);

    log_report(LOG_ERR, &why);
    report_clear(&why);
    if (r != 0)
        return r;
    *ret = saved.enforced;
    trial_wait(m, record);
    log_info("a reload still waits to be confirmed, for %" PRIu64 " s",
             (m->trial.deadline_usec - clock_boottime()) / 1000000);
    return 0;
}

static int be_back(struct manager *m, json_t *record, struct enforced **ret) {
    struct report why = REPORT_INIT;
    int r = snapshot_enforce(record_back(record), m->options.input.host, ret, &why);

    log_report(LOG_ERR, &why);
    report_clear(&why);
    if (r != 0) {
        log_error("what was rolled back to can't be used any more: the files are loaded");
        return r;
    }
    m->trial.record = record;
    m->trial.since_usec = clock_realtime();
    return 0;
}

static int load_waiting(struct manager *m, json_t *record, struct reload *q,
                        struct enforced **ret) {
    const char *why = over(m, record);
    int r;

    if (!why && go_on_waiting(m, record, ret) == 0)
        return 0;
    promise(m, record);
    r = be_back(m, record, ret);
    if (r != 0)
        return r;
    q->by = "portd";
    q->reason = why ? why : "it can't be used any more";
    q->restores = generations_origin(m->options.state_dir, trial_generation(&m->trial));
    log_rolled_back(m, q->by, q->reason);
    return 0;
}

int trial_load_first(struct manager *m, struct reload *q, struct enforced **ret) {
    json_t *record = load_from(m, UNCONFIRMED);
    bool is_waiting = record != NULL;
    int r;

    if (!record)
        record = load_from(m, ROLLED_BACK);
    if (!record)
        return 0;
    r = is_waiting ? load_waiting(m, record, q, ret) : be_back(m, record, ret);
    if (r != 0)
        json_decref(record);
    return r < 0 ? r : r == 0;
}
