/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of io.portd that only ask, and the table of all. */
#include "daemon/methods.h"
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
