/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of a reload that waits, and of one that was rolled back. */
#include "daemon/clock.h"
#include "daemon/manager.h"
#include "daemon/trial.h"
#include "daemon/warnings.h"

#include <inttypes.h>

bool trial_keeps(const struct manager *m, struct report *reterr) {
    if (!m->trial.record)
        return false;
    report_add(
        reterr, (struct place){ 0 }, "%s",
        m->trial.is_waiting
            ? "a reload waits to be confirmed: first portd-ctl confirm, or portd-ctl rollback"
            : "portd was rolled back, and an update does not end that; to load the files: "
              "portd-ctl reload");
    return true;
}

static uint64_t until_usec(const struct trial *t) {
    return (uint64_t)json_integer_value(json_object_get(t->record, "until_usec"));
}

const char *trial_until(const struct manager *m, char *buf) {
    return m->trial.is_waiting ? clock_format(until_usec(&m->trial), buf) : NULL;
}

static uint64_t seconds_left(const struct trial *t) {
    uint64_t now = clock_boottime();

    return t->deadline_usec > now ? (t->deadline_usec - now + 999999) / 1000000 : 0;
}

int trial_warn(const struct manager *m, json_t *warnings) {
    const struct trial *t = &m->trial;

    if (!t->record)
        return 0;
    if (t->error)
        return warning_add(warnings, "unconfirmed", "portd-ctl status",
                           "going back to generation %" PRIu64 " fails, and is tried again: %s",
                           trial_generation(t), t->error);
    if (t->is_waiting)
        return warning_add(warnings, "unconfirmed", "portd-ctl confirm, or portd-ctl rollback",
                           "not confirmed: in %" PRIu64 " s generation %" PRIu64 " comes back",
                           seconds_left(t), trial_generation(t));
    return warning_add(warnings, "rolled-back", "portd-ctl plan, then portd-ctl reload",
                       "rolled back to generation %" PRIu64
                       ": the files on disk are not what is in force",
                       trial_generation(t));
}

int trial_tell(const struct manager *m, json_t *status) {
    const struct trial *t = &m->trial;
    char text[CLOCK_TEXT_SIZE];

    if (!t->record)
        return 0;
    if (t->is_waiting)
        return json_object_set_new(
            status, "unconfirmed",
            json_pack("{s:s, s:I, s:I, s:s, s:s*}", "until", trial_until(m, text), "seconds",
                      (json_int_t)seconds_left(t), "generation", (json_int_t)trial_generation(t),
                      "by", json_string_value(json_object_get(t->record, "by")), "reason",
                      json_string_value(json_object_get(t->record, "reason"))));
    return json_object_set_new(status, "rolled_back",
                               json_pack("{s:s, s:I}", "since", clock_format(t->since_usec, text),
                                         "generation", (json_int_t)trial_generation(t)));
}
