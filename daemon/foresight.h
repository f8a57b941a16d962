/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_FORESIGHT_H
#define PORTD_DAEMON_FORESIGHT_H

#include "daemon/cuts.h"
#include "daemon/enforced.h"

/* What a reload would do, and that it doesn't cut off who asks for it. */

/* Loads the files, and says what would come of it: the reply of Plan. ENFORCED_E_INVALID: mistakes
 * (report). */
int foresight_plan(struct manager *m, const struct tracked *session, json_t **ret,
                   struct report *reterr);

/* Refuses to cut the session that the caller came by (report). 0 or -errno. */
enum { FORESIGHT_E_CUTS_CALLER = 8 }; /* none of the kernel's and reconcile's */
int foresight_guard(struct manager *m, const struct enforced *next, const struct tracked *session,
                    struct report *reterr);

#endif
