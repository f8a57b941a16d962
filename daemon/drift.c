/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/drift.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "engine/jsonlist.h"
#include "engine/text.h"

#include <inttypes.h>
#include <stdio.h>

void drift_history_add(struct drift_history *h, struct drift *d) {
    struct drift *slot = &h->items[h->next];

    lines_free(slot->lines);
    *slot = *d;
    d->lines = NULL;
    h->next = (h->next + 1) % DRIFT_HISTORY_MAX;
    h->n_total++;
}

static size_t history_size(const struct drift_history *h) {
    return h->n_total < DRIFT_HISTORY_MAX ? (size_t)h->n_total : DRIFT_HISTORY_MAX;
}

/* The i-th oldest. */
static const struct drift *history_at(const struct drift_history *h, size_t i) {
    return &h->items[(h->next + DRIFT_HISTORY_MAX - history_size(h) + i) % DRIFT_HISTORY_MAX];
}

const struct drift *drift_history_last(const struct drift_history *h) {
    return h->n_total ? history_at(h, history_size(h) - 1) : NULL;
}

void drift_history_clear(struct drift_history *h) {
    for (size_t i = 0; i < DRIFT_HISTORY_MAX; i++)
        h->items[i].lines = lines_free(h->items[i].lines);
}

static int set_who(json_t *o, const struct drift *d) {
    if (d->pid && json_object_set_new(o, "pid", json_integer(d->pid)) < 0)
        return -1;
    if (d->command[0] && json_object_set_new(o, "command", json_string(d->command)) < 0)
        return -1;
    if (d->process.has_uid && json_object_set_new(o, "uid", json_integer(d->process.uid)) < 0)
        return -1;
    if (d->process.unit[0] && json_object_set_new(o, "unit", json_string(d->process.unit)) < 0)
        return -1;
    if (d->repaired_usec &&
        json_object_set_new(o, "repaired_usec", json_integer((json_int_t)d->repaired_usec)) < 0)
        return -1;
    return 0;
}

json_t *drift_json(const struct drift *d) {
    char time[CLOCK_TEXT_SIZE];
    json_t *o = json_pack("{s:s, s:o}", "time", clock_format(d->seen_usec, time), "changes",
                          json_list_strings((const char *const *)d->lines, d->n_lines));

    return json_whole(o, o ? set_who(o, d) : 0);
}

static json_t *history_item(const void *owner, size_t i) {
    return drift_json(history_at(owner, i));
}

json_t *drift_history_json(const struct drift_history *h) {
    return json_list(h, history_size(h), history_item);
}

void drift_log(const struct drift *d) {
    char pid[16], uid[16], repaired[32];
    const struct log_field fields[] = {
        { "PORTD_PID", d->pid ? pid : NULL },
        { "PORTD_COMMAND", d->command[0] ? d->command : NULL },
        { "PORTD_UID", d->process.has_uid ? uid : NULL },
        { "PORTD_UNIT", d->process.unit[0] ? d->process.unit : NULL },
        { "PORTD_REPAIRED_USEC", d->repaired_usec ? repaired : NULL },
        { "PORTD_CHANGE", d->n_lines ? d->lines[0] : NULL },
    };

    snprintf(pid, sizeof(pid), "%" PRIu32, d->pid);
    snprintf(uid, sizeof(uid), "%u", d->process.uid);
    snprintf(repaired, sizeof(repaired), "%" PRIu64, d->repaired_usec);
    log_event(LOG_WARNING, LOG_ID_DRIFT, fields, ARRAY_SIZE(fields),
              "drift: %s[%s] changed the table: %s%s; %s", d->command[0] ? d->command : "somebody",
              d->pid ? pid : "?", d->n_lines ? d->lines[0] : "nothing that can be told",
              d->n_lines > 1 ? " and more" : "", d->repaired_usec ? "repaired" : "not repaired");
}
