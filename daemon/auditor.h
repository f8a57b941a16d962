/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_AUDITOR_H
#define PORTD_DAEMON_AUDITOR_H

#include "daemon/legacy.h"
#include "engine/audit.h"

#include <systemd/sd-event.h>

/* Keeps what goes around our rules (engine/audit.h) at hand: looks when others have committed and
 * gone quiet, and now and then, so that asking for it costs nothing. It takes at most a twentieth
 * of portd's time. */
struct auditor;

/* What is in force, asked whenever the auditor looks, and in which table of family inet; NULL:
 * nothing is. */
typedef const struct intent *(*auditor_intent)(void *userdata, const char **ret_table);
/* Borrows `legacy`. */
int auditor_new(sd_event *event, const struct legacy *legacy, auditor_intent intent, void *userdata,
                struct auditor **ret);
struct auditor *auditor_free(struct auditor *a);
DEFINE_CLEANUP(struct auditor *, auditor_free);

/* Others have committed, or the policy is another. */
void auditor_note(struct auditor *a, bool is_new_policy);

/* How many findings that the policy doesn't hold for there were when the auditor last looked. */
size_t auditor_n_open(const struct auditor *a);

/* As it is now; NULL while nothing is in force. Borrowed until the loop turns. 0, -EAGAIN: others
 * commit faster than we can read; -errno. */
int auditor_look(struct auditor *a, const struct audit **ret);

/* The reply of Audit: as it is now. 0, -EAGAIN: others commit faster than we can read; -errno. */
int auditor_reply(struct auditor *a, json_t **ret);

#endif
