/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_GRANTING_H
#define PORTD_DAEMON_GRANTING_H

#include "daemon/manager.h"

/* Openings that end by themselves (engine/grant.h): the kernel takes them out, also when portd
 * doesn't run; portd says who opened what and why, and keeps anybody else from opening or
 * prolonging one. */

/* What a portd before this one granted and is not over: read at start, before the first rules. */
void granting_load(struct manager *m);
int granting_attach(struct manager *m); /* to the event loop */

/* Puts it in force and fills in the times; in the place of an earlier one of the same, if there is.
 * KERNEL_E_REFUSED: see the report. */
int granting_give(struct manager *m, struct grant *g, uint64_t seconds, struct report *reterr);
/* Ends one before its time. KERNEL_E_REFUSED: likewise, also when there is none. */
int granting_end(struct manager *m, const struct query *what, const char *by,
                 struct report *reterr);
/* The table was removed, and all that was granted with it. */
void granting_off(struct manager *m, const char *by);

json_t *grant_json(const struct grant *g);      /* GrantRecord */
json_t *granting_json(const struct manager *m); /* []GrantRecord */
/* Says in an Explanation who granted what it says is open, if that is so. 0 or -1. */
int granting_explain(const struct manager *m, const struct query *what, json_t *explanation);
int granting_warn(const struct manager *m, json_t *warnings); /* 0 or -1 */

#endif
