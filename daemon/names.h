/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_NAMES_H
#define PORTD_DAEMON_NAMES_H

#include "daemon/manager.h"

/* The DNS names that the policy in force needs: what is known of them, how their addresses get
 * into the kernel, and how they outlive a restart. portd itself asks nobody and waits for nobody:
 * portd-resolver hands the answers in. */

/* Between two changes of the kernel's sets for the sake of names. */
#define NAMES_GAP_USEC ((uint64_t)100 * 1000)

/* What was known when portd last ran, of any name. A damaged file is logged and left alone. */
void names_load(struct manager *m);
/* The timer that saves; needs the loop. 0 or -errno. */
int names_attach(struct manager *m);
/* Writes what is not yet on disk. */
void names_save(struct manager *m);

/* After another policy came in force: from now on its names are wanted. */
void names_adopt(struct manager *m);

/* Takes an answer; when it changes an address, names_apply() becomes due. 0, or as resolved_take().
 */
int names_take(struct manager *m, const struct resolution *answer);
/* Brings the kernel's sets up to what is known: elements only, in one transaction that holds only
 * if nobody else committed since the table was last found equal (KERNEL_E_STALE: look first).
 * Otherwise 0, KERNEL_E_REFUSED, KERNEL_E_UNKNOWN, -errno. */
int names_apply(struct manager *m, struct report *reterr);

json_t *names_json(const struct manager *m); /* { names: []Name } */
/* Appends what an administrator should know of them. 0 or -1. */
int names_warn(const struct manager *m, json_t *warnings);

#endif
