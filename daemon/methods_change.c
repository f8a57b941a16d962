/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changes what is in force, and what would. */
#include "daemon/clock.h"
#include "daemon/cuts.h"
#include "daemon/manager.h"
#include "daemon/methods.h"
#include "daemon/seal.h"
#include "daemon/trial.h"
#include "engine/explain.h"
#include "engine/jsonlist.h"
#include "varlink/interface.h"

#include <stdio.h>

int call_refused(struct call *c, int r, const struct report *why) {
    _cleanup_(freep) char *text = NULL;

    if (r < 0)
        return r;
    if (r == ENFORCED_E_INVALID)
        return call_error(c, ERROR_INVALID, json_pack("{s:o}", "mistakes", report_json(why)));
    text = why->n_entries ? report_entry_text(&why->entries[0]) : NULL;
    return call_error_text(c, ERROR_REFUSED, text ? text : "the kernel refused the rules");
}

void call_caller(const struct call *c, char *buf, size_t size) {
    if (call_uid(c) == 0)
        snprintf(buf, size, "root");
    else
        snprintf(buf, size, "uid %u", call_uid(c));
}

static json_t *reload_json(const struct manager *m, const struct reload *q) {
    char until[CLOCK_TEXT_SIZE];

    return json_pack("{s:I, s:s, s:o, s:O, s:O, s:b, s:s*, s:o}", "generation",
                     (json_int_t)m->generation, "digest", m->enforced->digest, "changes",
                     json_list_strings((const char *const *)q->lines, q->n_lines), "opened",
                     q->opened, "closed", q->closed, "held", q->is_held, "confirm_until",
                     trial_until(m, until), "warnings", warnings_json(m->enforced->intent));
}

#define SESSION_WANTED                                                                             \
    "session is two addresses and their ports, as ssh says it: \"198.51.100.7 50022 10.0.0.1 22\""

int method_plan(struct call *c, void *userdata) {
    const char *session;
    const struct call_string strings[] = { { "session", true, &session, NULL, NULL } };
    struct report why = REPORT_INIT;
    struct tracked own;
    json_t *reply;
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    if (session && !session_parse(session, &own))
        return call_error_text(c, ERROR_BAD_QUERY, SESSION_WANTED);
    r = manager_plan(userdata, session ? &own : NULL, &reply, &why);
    r = r == 0 ? call_reply(c, reply) : call_refused(c, r, &why);
    report_clear(&why);
    return r;
}

int method_reload(struct call *c, void *userdata) {
    struct reload q = { 0 };
    const char *session;
    json_int_t confirm = 0;
    const struct call_string strings[] = {
        { "reason", true, &q.reason, NULL, NULL },
        { "update", true, NULL, &q.is_update, NULL },
        { "confirm_seconds", true, NULL, NULL, &confirm },
        { "session", true, &session, NULL, NULL },
        { "force", true, NULL, &q.is_forced, NULL },
    };
    struct report why = REPORT_INIT;
    struct tracked own;
    char by[32];
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    if (session && !session_parse(session, &own))
        return call_error_text(c, ERROR_BAD_QUERY, SESSION_WANTED);
    q.session = session ? &own : NULL;
    if (confirm < 0 || confirm > TRIAL_SECONDS_MAX || (confirm && q.is_update))
        return call_error_text(c, ERROR_BAD_QUERY,
                               "a reload, and no update, waits 1 to 86400 seconds to be confirmed");
    q.confirm_sec = (unsigned)confirm;
    call_caller(c, by, sizeof(by));
    q.by = by;
    r = manager_reload(userdata, &q, &why);
    r = r == 0 ? call_reply(c, reload_json(userdata, &q)) : call_refused(c, r, &why);
    reload_clear(&q);
    report_clear(&why);
    return r;
}

int method_off(struct call *c, void *userdata) {
    const char *reason;
    const struct call_string strings[] = { { "reason", true, &reason, NULL, NULL } };
    struct report why = REPORT_INIT;
    char by[32];
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    call_caller(c, by, sizeof(by));
    r = manager_off(userdata, by, reason, &why);
    r = r == 0 ? call_reply(c, json_object()) : call_refused(c, r < 0 ? r : KERNEL_E_REFUSED, &why);
    report_clear(&why);
    return r;
}

int method_unseal(struct call *c, void *userdata) {
    static const char *const keys[] = { "seconds", "reason" };
    const json_t *seconds = json_object_get(call_parameters(c), "seconds");
    const json_t *reason = json_object_get(call_parameters(c), "reason");
    struct report why = REPORT_INIT;
    char by[32], until[CLOCK_TEXT_SIZE];
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    if (r != 0)
        return r < 0 ? r : 0;
    if (json_integer_value(seconds) < 1 || json_integer_value(seconds) > SEAL_OPEN_MAX)
        return call_error_text(c, ERROR_BAD_QUERY, "a table is unsealed for 1 to 86400 seconds");
    call_caller(c, by, sizeof(by));
    r = manager_unseal(userdata, (uint64_t)json_integer_value(seconds) * 1000000, by,
                       json_string_value(reason), &why);
    if (r == 0)
        r = call_reply(c, json_pack("{s:s}", "until", seal_until(userdata, until)));
    else
        r = call_refused(c, r < 0 ? r : KERNEL_E_REFUSED, &why);
    report_clear(&why);
    return r;
}

int method_seal(struct call *c, void *userdata) {
    char by[32];
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    call_caller(c, by, sizeof(by));
    r = manager_seal(userdata, by);
    return r < 0 ? r : call_reply(c, json_object());
}

int method_confirm(struct call *c, void *userdata) {
    struct report why = REPORT_INIT;
    char by[32];
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    call_caller(c, by, sizeof(by));
    r = manager_confirm(userdata, by, &why);
    r = r == 0 ? call_reply(c, json_object()) : call_refused(c, r, &why);
    report_clear(&why);
    return r;
}

int method_rollback(struct call *c, void *userdata) {
    const struct manager *m = userdata;
    struct reload q = { 0 };
    json_int_t number = 0;
    const struct call_string strings[] = {
        { "generation", true, NULL, NULL, &number },
        { "reason", true, &q.reason, NULL, NULL },
    };
    struct report why = REPORT_INIT;
    char by[32];
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    if (number < 0)
        return call_error_text(c, ERROR_BAD_QUERY, "generations are counted from 1");
    call_caller(c, by, sizeof(by));
    q.by = by;
    r = manager_rollback(userdata, (uint64_t)number, &q, &why);
    if (r == 0)
        r = call_reply(c, json_pack("{s:I, s:I, s:O, s:O}", "generation", (json_int_t)m->generation,
                                    "restores", (json_int_t)q.restores, "opened", q.opened,
                                    "closed", q.closed));
    else
        r = call_refused(c, r, &why);
    reload_clear(&q);
    report_clear(&why);
    return r;
}
