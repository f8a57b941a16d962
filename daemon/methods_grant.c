/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is open beside the policy for a while. */
#include "daemon/granting.h"
#include "daemon/manager.h"
#include "daemon/methods.h"
#include "varlink/interface.h"

#include <limits.h>
#include <stdio.h>

/* Root, and who had logged in before becoming that. */
static void grantor_name(const struct call *c, char *buf, size_t size) {
    char path[64], by[32];
    unsigned login = UINT_MAX;
    FILE *f;

    call_caller(c, by, sizeof(by));
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

int method_grant(struct call *c, void *userdata) {
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
               : call_refused(c, r, &why);
    report_clear(&why);
    return r;
}

int method_grants(struct call *c, void *userdata) {
    int r = call_strings(c, NULL, 0);

    if (r != 0)
        return r < 0 ? r : 0;
    return call_reply(c, json_pack("{s:o}", "grants", granting_json(userdata)));
}

int method_revoke(struct call *c, void *userdata) {
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
    r = r == 0 ? call_reply(c, json_object()) : call_refused(c, r, &why);
    report_clear(&why);
    return r;
}
