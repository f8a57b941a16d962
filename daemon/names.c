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
#include "engine/text.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define NAMES_FILE     "names.json"
#define NAMES_SIZE_MAX ((size_t)64 << 20)
/* From a change to its being written. */
#define NAMES_SAVE_USEC ((uint64_t)5 * 1000000)

static char *names_path(const struct manager *m) {
    char *path = NULL;

    return asprintf(&path, "%s/" NAMES_FILE, m->options.state_dir) < 0 ? NULL : path;
}

void names_load(struct manager *m) {
    _cleanup_(freep) char *path = names_path(m);
    struct report why = REPORT_INIT;
    struct file file = { 0 };
    json_t *saved;
    int r = path ? file_read(path, NAMES_SIZE_MAX, &file, &why) : -ENOMEM;

    if (r == FILE_E_REFUSED)
        log_report(LOG_WARNING, &why);
    report_clear(&why);
    if (r != 0)
        return;
    saved = json_loadb(file.bytes, file.size, JSON_REJECT_DUPLICATES, NULL);
    file_clear(&file);
    if (!saved || resolved_parse(saved, &m->names) < 0)
        log_warn("%s is damaged: names are closed until they are resolved", path);
    json_decref(saved);
}

void names_save(struct manager *m) {
    _cleanup_(freep) char *path = names_path(m);
    _cleanup_(freep) char *text = NULL;
    json_t *o;
    int r = -ENOMEM;

    if (!m->names_unsaved)
        return;
    o = resolved_json(&m->names);
    text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    if (path && text)
        r = file_write_atomic(path, text, strlen(text), 0600);
    if (r < 0)
        log_warn("the addresses of DNS names can't be saved: %s", strerror(-r));
    m->names_unsaved = false;
}

static int on_save(sd_event_source *s, uint64_t usec, void *userdata) {
    (void)s;
    (void)usec;
    names_save(userdata);
    return 0;
}

int names_attach(struct manager *m) {
    int r = sd_event_add_time(m->event, &m->save_source, CLOCK_MONOTONIC, 0, 0, on_save, m);

    return r < 0 ? r : sd_event_source_set_enabled(m->save_source, SD_EVENT_OFF);
}

static void save_later(struct manager *m) {
    if (m->names_unsaved || !m->save_source)
        return;
    m->names_unsaved =
        sd_event_source_set_time(m->save_source, clock_monotonic() + NAMES_SAVE_USEC) >= 0 &&
        sd_event_source_set_enabled(m->save_source, SD_EVENT_ONESHOT) >= 0;
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

static void log_outcome(const struct resolution *answer, bool was_failing) {
    if (answer->error && !was_failing)
        log_warn("%s can't be resolved: %s; its last addresses stay", answer->name, answer->error);
    if (!answer->error && was_failing)
        log_info("%s is resolved again", answer->name);
}

int names_take(struct manager *m, const struct resolution *answer) {
    const struct resolved_name *known = resolved_find(&m->names, answer->name);
    bool was_failing = known && known->error;
    int r = resolved_take(&m->names, answer, clock_realtime());

    if (r == RESOLVED_E_UNKNOWN || r < 0)
        return r;
    log_outcome(answer, was_failing);
    if (r == 0)
        return 0;
    save_later(m);
    return manager_names_changed(m);
}

int names_apply(struct manager *m, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *next = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    _cleanup_(lines_freep) char **lines = NULL;
    uint32_t generation;
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
    r = kernel_apply(m->kernel, plan, m->kernel_generation, &generation, reterr);
    if (r != 0)
        return r;
    lines = plan_lines(plan, false, &n);
    plan = plan_free(plan);
    ruleset_free(m->enforced->rules);
    m->enforced->rules = TAKE_PTR(next);
    m->kernel_generation = generation;
    if (n > 0)
        notify_names(m, lines, n);
    return 0;
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

static int warn(json_t *warnings, const char *code, const char *hint, const char *format, ...)
    _printf_(4, 5);

static int warn(json_t *warnings, const char *code, const char *hint, const char *format, ...) {
    _cleanup_(freep) char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        text = NULL;
        return -1;
    }
    return json_array_append_new(
        warnings, json_pack("{s:s, s:s, s:s}", "code", code, "text", text, "hint", hint));
}

static int warn_name(json_t *warnings, const struct resolved_name *n) {
    char since[CLOCK_TEXT_SIZE], answered[CLOCK_TEXT_SIZE];

    if (n->n_addresses[FAMILY_IPV4] + n->n_addresses[FAMILY_IPV6] == 0)
        return warn(warnings, "name-unresolved", "portd-ctl names",
                    "%s has no address yet, what it opens is closed: %s", n->name,
                    n->error ? n->error : "no answer has come");
    if (!n->error)
        return 0;
    return warn(warnings, "name-stale", "portd-ctl names",
                "%s can't be resolved since %s (%s): its addresses of %s stay", n->name,
                clock_format(n->failing_usec, since), n->error,
                n->answered_usec ? clock_format(n->answered_usec, answered) : "an earlier answer");
}

int names_warn(const struct manager *m, json_t *warnings) {
    int r = 0;

    if (m->names.n > 0 && m->server && !server_has_resolver(m->server, TOPIC_NAMES))
        r = warn(warnings, "no-resolver", "systemctl start portd-resolver",
                 "portd-resolver is not connected: DNS names keep the addresses they have");
    for (size_t i = 0; r == 0 && i < m->names.n; i++)
        r = warn_name(warnings, &m->names.items[i]);
    return r;
}
