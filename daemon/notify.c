/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/notify.h"

#include "daemon/clock.h"

#include <inttypes.h>
#include <stdio.h>

/* What every event says. */
static json_t *event_new(const struct manager *m, const char *event, const char *text) {
    char time[CLOCK_TEXT_SIZE];

    return json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "time", clock_format(clock_realtime(), time),
                     "event", event, "text", text, "state", state_name(manager_state(m)),
                     "generation", (json_int_t)m->generation, "digest", m->enforced->digest);
}

/* `detail` may be NULL with `key` NULL; both references are taken. */
static void event_send(struct manager *m, json_t *event, const char *key, json_t *detail) {
    if (!m->server || !event || (key && json_object_set_new(event, key, detail) < 0)) {
        json_decref(event);
        return;
    }
    server_broadcast(m->server, TOPIC_EVENTS, event);
}

void notify_state(struct manager *m) {
    char text[64];

    snprintf(text, sizeof(text), "portd is %s", state_name(manager_state(m)));
    event_send(m, event_new(m, "state", text), NULL, NULL);
}

void notify_drift(struct manager *m) {
    const struct drift *d = m->n_drifts ? &m->last_drift : NULL;
    _cleanup_(freep) char *text = NULL;

    if (!d || asprintf(&text, "%s[%" PRIu32 "]: %s; %s", d->command[0] ? d->command : "somebody",
                       d->pid, d->n_lines ? d->lines[0] : "changed the table",
                       d->repaired_usec ? "repaired" : "not repaired") < 0) {
        text = NULL;
        return;
    }
    event_send(m, event_new(m, "drift", text), "drift", drift_json(d));
}

void notify_names(struct manager *m, char *const *lines, size_t n) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return;
    for (size_t i = 0; i < n; i++)
        fprintf(f, "%s%s", i ? "; " : "", lines[i]);
    if (fclose(f) == 0)
        event_send(m, event_new(m, "names", text), NULL, NULL);
    free(text);
}

json_t *reload_record_json(const struct reload_record *r) {
    char time[CLOCK_TEXT_SIZE];
    json_t *o = json_pack("{s:s, s:s}", "time", clock_format(r->time_usec, time), "by", r->by);

    if (o && r->reason[0] && json_object_set_new(o, "reason", json_string(r->reason)) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

void notify_reload(struct manager *m) {
    _cleanup_(freep) char *text = NULL;

    if (asprintf(&text, "generation %" PRIu64 " is in force", m->generation) < 0) {
        text = NULL;
        return;
    }
    event_send(m, event_new(m, "reload", "the files were loaded"), "reload",
               reload_record_json(&m->last_reload));
    event_send(m, event_new(m, "apply", text), NULL, NULL);
}
