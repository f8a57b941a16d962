/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_TRIAL_H
#define PORTD_DAEMON_TRIAL_H

#include "daemon/enforced.h"

#include <jansson.h>
#include <stdint.h>
#include <systemd/sd-event.h>

struct manager;
struct reload;

/* A reload that has to be confirmed, and how to go back. What to go back to is on disk before
 * anything is applied, in unconfirmed.json; that this is what has to be in force, whatever the
 * files say, is that file by its other name, rolled-back.json: a rename needs no room on the disk,
 * and is there or isn't.
 *
 * Who may end it: a confirmation; the time, measured since boot, so that no clock that is set
 * makes it longer; and a boot, because the session that could have confirmed is gone. A restart of
 * portd goes on waiting for the rest. */
struct trial {
    json_t *record; /* what unconfirmed.json or rolled-back.json says; NULL: there is neither */
    bool is_waiting;
    uint64_t deadline_usec; /* CLOCK_BOOTTIME */
    sd_event_source *timer;
    char *error;         /* why going back failed the last time; NULL: it didn't */
    uint64_t since_usec; /* CLOCK_REALTIME: rolled back, or started so */
};
void trial_clear(struct trial *t);

/* Seconds that a reload may wait for its confirmation. */
#define TRIAL_SECONDS_MAX 86400

/* Puts on disk what to go back to, before `next` is applied. KERNEL_E_REFUSED: it could not be
 * (report), and nothing may be applied. *ret: for one of the next two. */
int trial_prepare(struct manager *m, const struct reload *q, const struct enforced *next,
                  json_t **ret, struct report *reterr);
/* It was not applied. */
void trial_cancel(struct manager *m, json_t *record);
/* It was, and waits. Takes the record. */
int trial_begin(struct manager *m, json_t *record);
/* Files that were loaded without a trial are what counts. */
void trial_end(struct manager *m);

/* At start: what a trial or a rollback wants to be in force rather than the files. 1: *ret is, and
 * `q` says why; 0: the files decide; -errno. */
int trial_load_first(struct manager *m, struct reload *q, struct enforced **ret);
int trial_attach(struct manager *m);

/* The reload that waits is there to stay. KERNEL_E_REFUSED: none waits, or the disk does not let us
 * forget it (report). */
int manager_confirm(struct manager *m, const char *by, struct report *reterr);
/* To what was in force before the reload that waits; else to generation `number`, 0: the one
 * before. KERNEL_E_REFUSED or ENFORCED_E_INVALID (report). */
int manager_rollback(struct manager *m, uint64_t number, struct reload *q, struct report *reterr);

/* Whether there is something that a package's update may not end: the report says what. */
bool trial_keeps(const struct manager *m, struct report *reterr);
/* The one that comes back, or came. */
uint64_t trial_generation(const struct trial *t);
/* When the time is over (RFC 3339), NULL: nothing waits. */
const char *trial_until(const struct manager *m, char *buf);

/* Appends what an administrator should know of it. 0 or -1. */
int trial_warn(const struct manager *m, json_t *warnings);
/* Sets Unconfirmed and RolledBack of Status. 0 or -1. */
int trial_tell(const struct manager *m, json_t *status);

#endif
