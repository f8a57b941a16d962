/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A change of address is the difference of two rulesets that only the elements of the names' sets
 * tell apart, so it is sent as such, without a dump: it was derived from a table that was read and
 * found equal, and the transaction holds only if nobody has touched nf_tables since.
 *
 * The addresses are written to disk some time after they changed and when portd stops. That is a
 * cache: what a crash loses, DNS tells again. */
#include "daemon/names.h"

#include "base/file.h"
#include "daemon/clock.h"
#include "daemon/learn.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/warnings.h"
#include "engine/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES_FILE     "names.json"
#define NAMES_SIZE_MAX ((size_t)64 << 20)
/* From a change to its being written, and from there to the next try when it can't be. */
#define NAMES_SAVE_USEC  ((uint64_t)5 * 1000000)
#define NAMES_AGAIN_USEC ((uint64_t)60 * 1000000)
/* Waiting longer than that for the kernel is told. */
#define NAMES_LATE_USEC ((uint64_t)2 * 1000000)

static char *names_path(const struct manager *m) {
    char *path = NULL;

    return asprintf(&path, "%s/" NAMES_FILE, m->options.state_dir) < 0 ? NULL : path;
}

static void names_take_saved(struct manager *m, const struct file *file, const char *path) {
    json_t *saved = json_loadb(file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
    int r = resolved_parse(saved, &m->names);

    json_decref(saved);
    if (r == RESOLVED_E_INVALID)
        log_warn("%s is damaged or of another version: names that it lacks are closed until they "
                 "are resolved",
                 path);
    else if (r < 0)
        log_warn("the addresses of DNS names can't be read: %s", strerror(-r));
}

void names_load(struct manager *m) {
    _cleanup_(freep) char *path = names_path(m);
    struct report why = REPORT_INIT;
    struct file file = { 0 };
    int r = path ? file_read(path, NAMES_SIZE_MAX, &file, &why) : -ENOMEM;

    if (r == FILE_E_REFUSED)
        log_report(LOG_WARNING, &why);
    report_clear(&why);
    if (r == 0)
        names_take_saved(m, &file, path);
    file_clear(&file);
}

static int save(const struct manager *m) {
    _cleanup_(freep) char *path = names_path(m);
    _cleanup_(freep) char *text = NULL;
    json_t *o = resolved_json(&m->names);

    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return path && text ? file_write_atomic(path, text, strlen(text), 0600) : -ENOMEM;
}

void names_save(struct manager *m) {
    int r = m->names_unsaved ? save(m) : 0;

    if (r < 0 && m->names_save_error == 0)
        log_warn("the addresses of DNS names can't be saved in %s: %s", m->options.state_dir,
                 strerror(-r));
    m->names_unsaved = r < 0;
    m->names_save_error = r;
}

static int save_at(struct manager *m, uint64_t usec) {
    int r = sd_event_source_set_time(m->save_source, usec);

    return r < 0 ? r : sd_event_source_set_enabled(m->save_source, SD_EVENT_ONESHOT);
}

static int on_save(sd_event_source *s, uint64_t usec, void *userdata) {
    struct manager *m = userdata;

    (void)s;
    (void)usec;
    names_save(m);
    return m->names_unsaved ? save_at(m, clock_monotonic() + NAMES_AGAIN_USEC) : 0;
}

int names_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->save_source, CLOCK_MONOTONIC, 0, 0, on_save, m);

    return r < 0 ? r : sd_event_source_set_enabled(m->save_source, SD_EVENT_OFF);
}

static void save_later(struct manager *m) {
    if (m->names_unsaved || !m->save_source)
        return;
    m->names_unsaved = save_at(m, clock_monotonic() + NAMES_SAVE_USEC) >= 0;
}

void names_adopt(struct manager *m) {
    const struct intent *in = m->enforced->intent;
    int r = resolved_need(&m->names, in->hostnames, in->n_hostnames);

    m->names_dirty = false; /* the ruleset that came in force has them all */
    if (r < 0)
        log_error("names can't be resolved: %s", strerror(-r));
    if (r > 0 && m->server)
        server_broadcast(m->server, TOPIC_NAMES, names_json(m));
    if (r > 0)
        save_later(m);
}

/* Whoever hands in a failure and a success by turns must not fill the journal. */
static bool may_log(struct manager *m) {
    uint64_t now = clock_monotonic();

    if (backoff_due(&m->names_logged, now) > now)
        return false;
    backoff_spend(&m->names_logged, now, now);
    return true;
}

static void log_outcome(struct manager *m, const struct resolution *answer, bool was_failing) {
    bool is_partial = answer->is_answered[FAMILY_IPV4] || answer->is_answered[FAMILY_IPV6];

    if ((answer->error != NULL) == was_failing || !may_log(m))
        return;
    if (answer->error)
        log_warn("%s can't be %s: %s; what it had stays", answer->name,
                 is_partial ? "resolved whole" : "resolved", answer->error);
    else
        log_info("%s is resolved again", answer->name);
}

static int take(struct manager *m, const struct resolution *answer) {
    const struct resolved_name *known = resolved_find(&m->names, answer->name);
    bool was_failing = known && known->error;
    int r = resolved_take(&m->names, answer, clock_realtime());

    if (r == RESOLVED_E_UNKNOWN || r == RESOLVED_E_FULL || r < 0)
        return r;
    log_outcome(m, answer, was_failing);
    if (r == 0)
        return 0;
    save_later(m);
    return manager_names_changed(m);
}

int names_take(struct manager *m, const json_t *parameters, char **reterr) {
    struct resolution answer;
    int r = resolution_parse(parameters, &answer, reterr);

    if (r != 0)
        return r;
    r = take(m, &answer);
    if (r != RESOLVED_E_FULL)
        return r;
    if (asprintf(reterr, "all names together have more than the %u addresses that are taken",
                 RESOLVED_TOTAL_MAX) >= 0)
        return RESOLVED_E_INVALID;
    *reterr = NULL;
    return -ENOMEM;
}

/* Whether the kernel's table is what it was before a transaction whose outcome is not known. */
static bool is_as_before(const struct manager *m) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    uint32_t generation;

    return kernel_read(m->kernel, &have, &generation) == 0 &&
           ruleset_diff(m->enforced->rules, have, &plan) == 0 && plan_is_empty(plan);
}

static int apply(struct manager *m, const struct plan *plan, struct report *reterr) {
    int r = kernel_apply(m->kernel, plan, m->kernel_generation, &m->kernel_generation, reterr);

    return r == KERNEL_E_UNKNOWN && is_as_before(m) ? KERNEL_E_STALE : r;
}

int names_apply(struct manager *m, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *next = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    _cleanup_(lines_freep) char **lines = NULL;
    size_t n = 0;
    int r;

    r = learn_compile(m, m->enforced, &next);
    if (r < 0)
        return r;
    next->flags = m->enforced->rules->flags;
    next->owner = m->enforced->rules->owner;
    r = ruleset_diff(next, m->enforced->rules, &plan);
    if (r < 0)
        return r;
    r = apply(m, plan, reterr);
    if (r != 0 && r != KERNEL_E_UNKNOWN)
        return r;
    lines = plan_lines(plan, false, &n);
    plan = plan_free(plan);
    ruleset_free(m->enforced->rules);
    m->enforced->rules = TAKE_PTR(next);
    if (n > 0)
        notify_names(m, lines, n);
    return r;
}

/* --- what is told of them --- */

static int set_time(json_t *o, const char *key, uint64_t usec) {
    char text[CLOCK_TEXT_SIZE];

    return usec ? json_object_set_new(o, key, json_string(clock_format(usec, text))) : 0;
}

static json_t *name_json(const struct resolved_name *n) {
    json_t *o = json_pack("{s:s, s:o}", "name", n->name, "addresses", resolved_addresses_json(n));
    int r = o ? 0 : -1;

    if (r == 0 && n->answered_usec)
        r |= json_object_set_new(o, "ttl", json_integer((json_int_t)n->ttl));
    if (r == 0 && n->error)
        r |= json_object_set_new(o, "error", json_string(n->error));
    if (r == 0)
        r |= set_time(o, "answered", n->answered_usec);
    if (r == 0)
        r |= set_time(o, "failing_since", n->failing_usec);
    if (r == 0)
        return o;
    json_decref(o);
    return NULL;
}

json_t *names_json(const struct manager *m) {
    json_t *names = json_array();

    for (size_t i = 0; names && i < m->names.n; i++)
        if (json_array_append_new(names, name_json(&m->names.items[i])) < 0) {
            json_decref(names);
            return NULL;
        }
    return names ? json_pack("{s:o}", "names", names) : NULL;
}

static int warn_name(json_t *warnings, const struct resolved_name *n) {
    char since[CLOCK_TEXT_SIZE], answered[CLOCK_TEXT_SIZE];

    if (n->n_addresses[FAMILY_IPV4] + n->n_addresses[FAMILY_IPV6] == 0)
        return warning_add(warnings, "name-unresolved", "portd-ctl names",
                           "%s has no address yet, what it opens is closed: %s", n->name,
                           n->error ? n->error : "no answer has come");
    if (!n->error)
        return 0;
    return warning_add(
        warnings, "name-stale", "portd-ctl names",
        "%s can't be resolved since %s (%s): it keeps its addresses, the last whole answer "
        "%s",
        n->name, clock_format(n->failing_usec, since), n->error,
        n->answered_usec ? clock_format(n->answered_usec, answered) : "never came");
}

static int warn_waiting(const struct manager *m, json_t *warnings) {
    char since[CLOCK_TEXT_SIZE];

    if (m->is_off || !m->names_dirty || clock_realtime() < m->names_dirty_usec + NAMES_LATE_USEC)
        return 0;
    return warning_add(warnings, "names-waiting", "portd-ctl names",
                       "addresses that DNS gave since %s are not in force yet: %s",
                       clock_format(m->names_dirty_usec, since),
                       m->seal.unsealed_until_usec ? "they wait until the table is sealed again"
                                                   : "the kernel has not taken them");
}

int names_warn(const struct manager *m, json_t *warnings) {
    int r = 0;

    if (m->names.n > 0 && m->server && !server_has_resolver(m->server, TOPIC_NAMES))
        r = warning_add(warnings, "no-resolver", "systemctl start portd-resolver",
                        "portd-resolver is not connected: DNS names keep the addresses they have");
    if (r == 0)
        r = warn_waiting(m, warnings);
    if (r == 0 && m->names_save_error)
        r = warning_add(
            warnings, "names-not-saved", "make room: it is tried again",
            "the addresses of DNS names can't be saved in %s: %s; after a restart they are "
            "not known until they are resolved",
            m->options.state_dir, strerror(-m->names_save_error));
    for (size_t i = 0; r == 0 && i < m->names.n; i++)
        r = warn_name(warnings, &m->names.items[i]);
    return r;
}
