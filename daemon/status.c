/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/status.h"

#include "daemon/clock.h"
#include "daemon/denied.h"
#include "daemon/granting.h"
#include "daemon/learn.h"
#include "daemon/log.h"
#include "daemon/names.h"
#include "daemon/notify.h"
#include "daemon/warnings.h"
#include "engine/explain.h"
#include "engine/jsonlist.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static size_t flows_active(const struct intent *in) {
    size_t n = 0;

    for (size_t i = 0; i < in->n_flows; i++)
        if (in->flows[i].state[DIRECTION_IN] == FLOW_ACTIVE ||
            in->flows[i].state[DIRECTION_OUT] == FLOW_ACTIVE)
            n++;
    return n;
}

static size_t addresses_named(const struct ruleset *r) {
    size_t n = 0;

    for (size_t i = 0; i < r->n_sets; i++)
        if (set_type_has_addresses(r->sets[i].type))
            n += r->sets[i].n_elements;
    return n;
}

static int history_warnings(struct history *h, json_t *warnings) {
    _cleanup_(freep) char *error = history_error(h), *damage = history_damage(h);
    int r = 0;

    if (error)
        r |= warning_add(warnings, "history-not-saved", "make room for portd's state", "%s", error);
    if (damage)
        r |= warning_add(warnings, "history-damaged",
                         "compare with journalctl MESSAGE_ID=" LOG_ID_DRIFT
                         ", then remove the file kept aside and restart portd",
                         "%s", damage);
    return r;
}

static int audit_warn(const struct manager *m, json_t *warnings) {
    size_t n = auditor_n_open(m->auditor);

    if (n == 0)
        return 0;
    return warning_add(warnings, "audit", "portd-ctl audit",
                       "%zu %s of others %s around the policy or stand%s in its way", n,
                       n == 1 ? "rule" : "rules", n == 1 ? "goes" : "go", n == 1 ? "s" : "");
}

/* Those of the policy, and those of the daemon's own life. */
static json_t *status_warnings(const struct manager *m) {
    json_t *warnings = warnings_json(m->enforced->intent);
    int r = 0;

    if (!warnings)
        return NULL;
    r |= seal_warn(m, warnings) | learn_warn(m, warnings);
    if (m->refusal)
        r |= warning_add(warnings, "kernel-refuses", "portd-ctl diff", "%s", m->refusal);
    if (m->save_error)
        r |= warning_add(warnings, "not-saved", "make room, then portd-ctl reload", "%s",
                         m->save_error);
    if (!report_is_empty(&m->mistakes))
        r |= warning_add(warnings, "last-good", "mend the files, then portd-ctl reload",
                         "the files were refused at start; the last good ones are in force");
    r |= history_warnings(m->history, warnings);
    if (r < 0 || audit_warn(m, warnings) < 0 || disk_warn(m->disk, warnings) < 0 ||
        update_warn(m, warnings) < 0 || trial_warn(m, warnings) < 0 ||
        names_warn(m, warnings) < 0 || denied_warn(m, warnings) < 0 ||
        granting_warn(m, warnings) < 0) {
        json_decref(warnings);
        return NULL;
    }
    return warnings;
}

static int set_audit(json_t *o, const struct manager *m) {
    json_t *audit = denied_audit(m);

    return json_is_null(audit) ? 0 : json_object_set_new(o, "audit", audit);
}

static int set_details(json_t *o, const struct manager *m) {
    const struct drift *last = m->n_drifts ? &m->last_drift : NULL;
    char until[CLOCK_TEXT_SIZE], started[CLOCK_TEXT_SIZE];
    int r = 0;

    if (last)
        r |= json_object_set_new(o, "last_drift", drift_json(last));
    if (m->seal.unsealed_until_usec)
        r |= json_object_set_new(o, "unsealed_until", json_string(seal_until(m, until)));
    r |= json_object_set_new(o, "denied", denied_recently(m));
    r |= json_object_set_new(o, "grants", granting_json(m));
    r |= set_audit(o, m);
    r |= json_object_set_new(o, "repairs", latency_json(&m->repairs));
    r |= json_object_set_new(o, "started", json_string(clock_format(m->started_usec, started)));
    if (m->held)
        r |= json_object_set_new(o, "held", update_json(m));
    r |= trial_tell(m, o);
    r |= json_object_set_new(o, "last_reload", reload_record_json(&m->last_reload));
    r |= json_object_set_new(o, "warnings", status_warnings(m));
    if (!report_is_empty(&m->mistakes))
        r |= json_object_set_new(o, "mistakes", report_json(&m->mistakes));
    if (m->suspect[0] && manager_state(m) == STATE_CONTESTED)
        r |= json_object_set_new(o, "contested_by", json_string(m->suspect));
    return r;
}

json_t *status_json(const struct manager *m) {
    const struct intent *in = m->enforced->intent;
    char since[CLOCK_TEXT_SIZE];
    json_t *o = json_pack(
        "{s:s, s:s, s:o, s:s, s:s, s:I, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I}", "site", in->site,
        "host", in->self.name, "roles", json_list_strings(in->self.roles, in->self.n_roles),
        "state", state_name(manager_state(m)), "seal", seal_name(seal_get(m)), "generation",
        (json_int_t)m->generation, "digest", m->enforced->digest, "since",
        clock_format(m->since_usec, since), "ingress", mode_name(in->modes[DIRECTION_IN]), "egress",
        mode_name(in->modes[DIRECTION_OUT]), "flows", (json_int_t)flows_active(in), "addresses",
        (json_int_t)addresses_named(m->enforced->rules), "names", (json_int_t)in->n_hostnames,
        "drifts", (json_int_t)m->n_drifts);

    if (o && set_details(o, m) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* The first that keeps the state from being "enforcing"; NULL: nothing is wrong, or memory is out.
 */
static char *what_is_wrong(const struct manager *m) {
    const struct drift *last = m->n_drifts ? &m->last_drift : NULL;
    _cleanup_(freep) char *mistake = NULL;
    char *text = NULL;
    int n = 0;

    if (m->refusal)
        return strdup(m->refusal);
    if (manager_state(m) == STATE_CONTESTED && last && last->command[0])
        n = asprintf(&text, "%s[%" PRIu32 "] keeps changing the rules", last->command, last->pid);
    else if (!report_is_empty(&m->mistakes)) {
        mistake = report_entry_text(&m->mistakes.entries[0]);
        n = asprintf(&text, "the files are refused, the last good ones in force: %s",
                     mistake ? mistake : "see portd-ctl check");
    } else if (seal_get(m) >= SEAL_UNSEALED)
        n = asprintf(&text, "the table is %s", seal_name(seal_get(m)));
    return n < 0 ? NULL : text;
}

char *status_line(const struct manager *m) {
    const struct intent *in = m->enforced->intent;
    _cleanup_(freep) char *wrong = what_is_wrong(m);
    char *line = NULL;
    size_t size;
    FILE *f = open_memstream(&line, &size);

    if (!f)
        return NULL;
    fprintf(f, "%s as %s", state_name(manager_state(m)), in->self.name);
    for (size_t i = 0; i < in->self.n_roles; i++)
        fprintf(f, "%s%s", i ? ", " : " (", in->self.roles[i]);
    fprintf(f, "%s, generation %" PRIu64 ", %" PRIu64 " drift%s", in->self.n_roles ? ")" : "",
            m->generation, m->n_drifts, m->n_drifts == 1 ? "" : "s");
    if (wrong)
        fprintf(f, "; %s", wrong);
    if (m->held)
        fputs("; a policy update is held", f);
    if (m->trial.record)
        fputs(m->trial.is_waiting ? "; waits to be confirmed" : "; rolled back", f);
    if (fclose(f) == 0)
        return line;
    free(line);
    return NULL;
}
