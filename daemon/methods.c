/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of io.portd: each takes its parameters, asks the manager, answers. */
#include "daemon/clock.h"
#include "daemon/denied.h"
#include "daemon/generations.h"
#include "daemon/granting.h"
#include "daemon/listening.h"
#include "daemon/manager.h"
#include "daemon/names.h"
#include "daemon/status.h"
#include "daemon/usage.h"
#include "engine/explain.h"
#include "engine/jsonlist.h"
#include "engine/rulejson.h"
#include "engine/text.h"
#include "varlink/interface.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static int method_status(struct call *c, void *userdata) {
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c, status_json(userdata));
}

/* With what was seen of their hits. */
static json_t *flows_of(struct manager *m, const struct ruleset *have) {
    json_t *flows = flows_json(m->enforced->intent, have);

    if (flows && usage_take(m, have) == 0 && usage_tell(m, flows) == 0)
        return flows;
    json_decref(flows);
    return NULL;
}

static int method_flows(struct call *c, void *userdata) {
    struct manager *m = userdata;
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    r = kernel_read_counters(m->kernel, &have);
    if (r != 0)
        return call_error_text(c, ERROR_FAILED, "the kernel's counters can't be read now");
    return call_reply(
        c, json_pack("{s:o, s:o}", "flows", flows_of(m, have), "denied", denied_json(have)));
}

static int method_listening(struct call *c, void *userdata) {
    json_t *reply;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    r = listening_reply(userdata, &reply);
    if (r == -EAGAIN)
        return call_error_text(c, ERROR_FAILED,
                               "others commit to nf_tables faster than portd can read: try again");
    return r < 0 ? r : call_reply(c, reply);
}

static int method_drift(struct call *c, void *userdata) {
    struct manager *m = userdata;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c, json_pack("{s:o}", "drifts", history_json(m->history)));
}

static int method_verify_history(struct call *c, void *userdata) {
    const struct manager *m = userdata;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c, history_verify_json(m->history));
}

static int method_audit(struct call *c, void *userdata) {
    struct manager *m = userdata;
    json_t *reply;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    r = auditor_reply(m->auditor, &reply);
    if (r == -EAGAIN)
        return call_error_text(c, ERROR_FAILED,
                               "others commit to nf_tables faster than portd can read: try again");
    return r < 0 ? r : call_reply(c, reply);
}

/* Left out, or of the type. */
static bool is_optional(const json_t *value, bool is_type) {
    return !value || json_is_null(value) || is_type;
}

static int method_denied(struct call *c, void *userdata) {
    static const char *const keys[] = { "since", "would" };
    const json_t *since = json_object_get(call_parameters(c), "since");
    const json_t *would = json_object_get(call_parameters(c), "would");
    struct denied_query q = { .has_would = json_is_boolean(would), .would = json_is_true(would) };
    uint64_t now = clock_realtime(), ago = (uint64_t)json_integer_value(since);
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    if (r != 0)
        return r < 0 ? r : 0;
    if (!is_optional(since, json_integer_value(since) > 0) ||
        !is_optional(would, json_is_boolean(would)))
        return call_error_text(c, ERROR_BAD_QUERY,
                               "since is a number of seconds, would is true or false");
    if (ago > 0 && ago < now / 1000000)
        q.since_usec = now - ago * 1000000;
    if (call_wants_more(c))
        return call_watch(c, TOPIC_DENIED, denied_reply(userdata, &q));
    return call_reply(c, denied_reply(userdata, &q));
}

static json_t *diff_json(const struct plan *plan) {
    size_t n = 0;
    _cleanup_(lines_freep) char **lines = plan_lines(plan, false, &n);

    if (!lines)
        return NULL;
    return json_pack("{s:o, s:o}", "lines", json_list_strings((const char *const *)lines, n),
                     "changes", plan_json(plan));
}

static int method_diff(struct call *c, void *userdata) {
    struct manager *m = userdata;
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    uint32_t generation;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    r = kernel_read(m->kernel, &have, &generation);
    if (r == 0)
        r = ruleset_diff(m->enforced->rules, have, &plan);
    if (r < 0)
        return call_error_text(c, ERROR_FAILED, strerror(-r));
    return call_reply(c, diff_json(plan));
}

/* While portd is off the policy decides nothing. */
static int explain_reply(struct call *c, const struct manager *m, const struct query *query) {
    _cleanup_(ruleset_freep) struct ruleset *none = ruleset_new();
    json_t *explanation;

    if (!none)
        return -ENOMEM;
    explanation = explain_json(m->enforced->intent, m->is_off ? none : m->enforced->rules, query);
    if (explanation && granting_explain(m, query, explanation) < 0) {
        json_decref(explanation);
        return -ENOMEM;
    }
    return call_reply(c, json_pack("{s:o}", "explanation", explanation));
}

static int method_explain(struct call *c, void *userdata) {
    struct manager *m = userdata;
    const char *direction, *service, *address;
    const struct call_string strings[] = {
        { "direction", false, &direction, NULL, NULL },
        { "service", false, &service, NULL, NULL },
        { "address", false, &address, NULL, NULL },
    };
    _cleanup_(freep) char *why = NULL;
    struct query query;
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    r = query_parse(direction, service, address, &query, &why);
    if (r == EXPLAIN_E_INVALID)
        return call_error_text(c, ERROR_BAD_QUERY, why);
    if (r < 0)
        return r;
    return explain_reply(c, m, &query);
}

static int reply_refused(struct call *c, int r, const struct report *why) {
    _cleanup_(freep) char *text = NULL;

    if (r < 0)
        return r;
    if (r == ENFORCED_E_INVALID)
        return call_error(c, ERROR_INVALID, json_pack("{s:o}", "mistakes", report_json(why)));
    text = why->n_entries ? report_entry_text(&why->entries[0]) : NULL;
    return call_error_text(c, ERROR_REFUSED, text ? text : "the kernel refused the rules");
}

static void caller_name(const struct call *c, char *buf, size_t size) {
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

static int method_plan(struct call *c, void *userdata) {
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
    r = r == 0 ? call_reply(c, reply) : reply_refused(c, r, &why);
    report_clear(&why);
    return r;
}

static int method_reload(struct call *c, void *userdata) {
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
    caller_name(c, by, sizeof(by));
    q.by = by;
    r = manager_reload(userdata, &q, &why);
    r = r == 0 ? call_reply(c, reload_json(userdata, &q)) : reply_refused(c, r, &why);
    reload_clear(&q);
    report_clear(&why);
    return r;
}

static int method_off(struct call *c, void *userdata) {
    const char *reason;
    const struct call_string strings[] = { { "reason", true, &reason, NULL, NULL } };
    struct report why = REPORT_INIT;
    char by[32];
    int r = call_strings(c, strings, ARRAY_SIZE(strings));

    if (r != 0)
        return r < 0 ? r : 0;
    caller_name(c, by, sizeof(by));
    r = manager_off(userdata, by, reason, &why);
    r = r == 0 ? call_reply(c, json_object())
               : reply_refused(c, r < 0 ? r : KERNEL_E_REFUSED, &why);
    report_clear(&why);
    return r;
}

static int method_unseal(struct call *c, void *userdata) {
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
    caller_name(c, by, sizeof(by));
    r = manager_unseal(userdata, (uint64_t)json_integer_value(seconds) * 1000000, by,
                       json_string_value(reason), &why);
    if (r == 0)
        r = call_reply(c, json_pack("{s:s}", "until", seal_until(userdata, until)));
    else
        r = reply_refused(c, r < 0 ? r : KERNEL_E_REFUSED, &why);
    report_clear(&why);
    return r;
}

static int method_seal(struct call *c, void *userdata) {
    char by[32];
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    caller_name(c, by, sizeof(by));
    r = manager_seal(userdata, by);
    return r < 0 ? r : call_reply(c, json_object());
}

/* Root, and who had logged in before becoming that. */
static void grantor_name(const struct call *c, char *buf, size_t size) {
    char path[64], by[32];
    unsigned login = UINT_MAX;
    FILE *f;

    caller_name(c, by, sizeof(by));
    snprintf(path, sizeof(path), "/proc/%d/loginuid", (int)call_pid(c));
    f = call_pid(c) > 0 ? fopen(path, "re") : NULL;
    if (f && fscanf(f, "%u", &login) != 1)
        login = UINT_MAX;
    if (f)
        fclose(f);
    if (login == UINT_MAX)
        snprintf(buf, size, "%s", by);
    else
        snprintf(buf, size, "%s (login uid %u)", by, login);
}

/* What of Grant and Revoke says what it is about. Like call_strings(), CALL_E_ANSWERED too when it
 * makes no sense. */
static int take_query(struct call *c, struct query *ret) {
    const json_t *o = call_parameters(c);
    const char *direction = json_string_value(json_object_get(o, "direction"));
    const char *service = json_string_value(json_object_get(o, "service"));
    const char *address = json_string_value(json_object_get(o, "address"));
    _cleanup_(freep) char *why = NULL;
    int r;

    if (!direction || !service || !address)
        r = call_error_text(c, ERROR_BAD_QUERY, "say the direction, the service and the address");
    else if ((r = query_parse(direction, service, address, ret, &why)) == EXPLAIN_E_INVALID)
        r = call_error_text(c, ERROR_BAD_QUERY, why);
    else if (r == 0 && grant_fault(ret))
        r = call_error_text(c, ERROR_BAD_QUERY, grant_fault(ret));
    else
        return r;
    return r < 0 ? r : CALL_E_ANSWERED;
}

static int method_grant(struct call *c, void *userdata) {
    static const char *const keys[] = { "direction", "service", "address", "seconds", "reason" };
    json_int_t seconds = json_integer_value(json_object_get(call_parameters(c), "seconds"));
    const char *reason = json_string_value(json_object_get(call_parameters(c), "reason"));
    struct report why = REPORT_INIT;
    struct grant g = { 0 };
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    if (r == 0)
        r = take_query(c, &g.what);
    if (r != 0)
        return r < 0 ? r : 0;
    if (seconds < GRANT_SECONDS_MIN || seconds > GRANT_SECONDS_MAX)
        return call_error_text(c, ERROR_BAD_QUERY, "something is granted for 5 to 86400 seconds");
    if (grant_reason_fault(reason))
        return call_error_text(c, ERROR_BAD_QUERY, grant_reason_fault(reason));
    snprintf(g.reason, sizeof(g.reason), "%s", reason);
    grantor_name(c, g.by, sizeof(g.by));
    r = granting_give(userdata, &g, (uint64_t)seconds, &why);
    r = r == 0 ? call_reply(c, json_pack("{s:o}", "grant", grant_json(&g)))
               : reply_refused(c, r, &why);
    report_clear(&why);
    return r;
}

static int method_grants(struct call *c, void *userdata) {
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c, json_pack("{s:o}", "grants", granting_json(userdata)));
}

static int method_revoke(struct call *c, void *userdata) {
    static const char *const keys[] = { "direction", "service", "address" };
    struct report why = REPORT_INIT;
    char by[GRANT_BY_SIZE];
    struct query q;
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    if (r == 0)
        r = take_query(c, &q);
    if (r != 0)
        return r < 0 ? r : 0;
    grantor_name(c, by, sizeof(by));
    r = granting_end(userdata, &q, by, &why);
    r = r == 0 ? call_reply(c, json_object()) : reply_refused(c, r, &why);
    report_clear(&why);
    return r;
}

static int method_watch(struct call *c, void *userdata) {
    int r = call_strings(c, NULL, 0);

    (void)userdata;
    if (r != 0)
        return r < 0 ? r : 0;
    return call_watch(c, TOPIC_EVENTS, NULL);
}

static int method_names(struct call *c, void *userdata) {
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    if (call_wants_more(c))
        return call_watch(c, TOPIC_NAMES, names_json(userdata));
    return call_reply(c, names_json(userdata));
}

static int method_resolved(struct call *c, void *userdata) {
    static const char *const keys[] = { "name", "ipv4", "ipv6", "error" };
    _cleanup_(freep) char *why = NULL;
    int r = call_only(c, keys, ARRAY_SIZE(keys));

    if (r != 0)
        return r < 0 ? r : 0;
    r = names_take(userdata, call_parameters(c), &why);
    if (r == RESOLVED_E_INVALID)
        return call_error_text(c, ERROR_BAD_ANSWER, why);
    if (r == RESOLVED_E_UNKNOWN)
        return call_error(c, ERROR_NOT_NEEDED,
                          json_pack("{s:O}", "name", json_object_get(call_parameters(c), "name")));
    return r < 0 ? r : call_reply(c, json_object());
}

static int method_confirm(struct call *c, void *userdata) {
    struct report why = REPORT_INIT;
    char by[32];
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    caller_name(c, by, sizeof(by));
    r = manager_confirm(userdata, by, &why);
    r = r == 0 ? call_reply(c, json_object()) : reply_refused(c, r, &why);
    report_clear(&why);
    return r;
}

static int method_rollback(struct call *c, void *userdata) {
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
    caller_name(c, by, sizeof(by));
    q.by = by;
    r = manager_rollback(userdata, (uint64_t)number, &q, &why);
    if (r == 0)
        r = call_reply(c, json_pack("{s:I, s:I, s:O, s:O}", "generation", (json_int_t)m->generation,
                                    "restores", (json_int_t)q.restores, "opened", q.opened,
                                    "closed", q.closed));
    else
        r = reply_refused(c, r, &why);
    reload_clear(&q);
    report_clear(&why);
    return r;
}

static int method_generations(struct call *c, void *userdata) {
    const struct manager *m = userdata;
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c,
                      json_pack("{s:o, s:I}", "generations", generations_json(m->options.state_dir),
                                "current", (json_int_t)m->generation));
}

const struct method manager_methods[] = {
    { "Status", ACCESS_READ, method_status },
    { "Flows", ACCESS_READ, method_flows },
    { "Listening", ACCESS_READ, method_listening },
    { "Drift", ACCESS_READ, method_drift },
    { "Denied", ACCESS_READ, method_denied },
    { "Diff", ACCESS_READ, method_diff },
    { "Audit", ACCESS_READ, method_audit },
    { "Explain", ACCESS_READ, method_explain },
    { "Plan", ACCESS_READ, method_plan },
    { "Reload", ACCESS_WRITE, method_reload },
    { "Confirm", ACCESS_WRITE, method_confirm },
    { "Rollback", ACCESS_WRITE, method_rollback },
    { "Generations", ACCESS_READ, method_generations },
    { "Off", ACCESS_WRITE, method_off },
    { "Watch", ACCESS_READ, method_watch },
    { "Grant", ACCESS_WRITE, method_grant },
    { "Grants", ACCESS_READ, method_grants },
    { "Revoke", ACCESS_WRITE, method_revoke },
    { "VerifyHistory", ACCESS_READ, method_verify_history },
    { "Unseal", ACCESS_WRITE, method_unseal },
    { "Seal", ACCESS_WRITE, method_seal },
    { "Names", ACCESS_NAMES, method_names },
    { "Resolved", ACCESS_RESOLVER, method_resolved },
};
const size_t manager_n_methods = ARRAY_SIZE(manager_methods);
