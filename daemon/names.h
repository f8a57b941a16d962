/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_NAMES_H
#define PORTD_DAEMON_NAMES_H

#include "daemon/manager.h"

/* The DNS names that the policy in force needs: what is known of them, how their addresses get
 * into the kernel, and how they outlive a restart. portd itself asks nobody and waits for nobody:
 * portd-resolver hands the answers in. */

/* Between two changes of the kernel's sets for the sake of names, and no less than so many times
 * what the last one took: with 1,000 names of 256 addresses each, that can be seconds. */
#define NAMES_GAP_USEC ((uint64_t)100 * 1000)
#define NAMES_SHARE    4U

/* What was known when portd last ran, of any name. A damaged file is logged, and what is whole in
 * it is taken. */
void names_load(struct manager *m);
/* The timer that saves; needs the loop. 0 or -errno. */
int names_attach(struct manager *m);
/* Writes what is not yet on disk; what can't be written now is tried again. */
void names_save(struct manager *m);

/* After another policy came in force: from now on its names are wanted. */
void names_adopt(struct manager *m);

/* Takes the parameters of Resolved; when they change an address, names_apply() becomes due.
 * RESOLVED_E_UNKNOWN: nobody needs the name. RESOLVED_E_INVALID: *reterr says why (malloc'ed).
 * Otherwise 0 or -errno. */
int names_take(struct manager *m, const json_t *parameters, char **reterr);
/* Brings the kernel's sets up to what is known: elements only, in one transaction that holds only
 * if nobody else committed since the table was last found equal. KERNEL_E_STALE: nothing was
 * changed, KERNEL_E_UNKNOWN: it was, as far as can be told; look at the table first. Otherwise 0,
 * KERNEL_E_REFUSED, -errno. */
int names_apply(struct manager *m, struct report *reterr);

json_t *names_json(const struct manager *m); /* { names: []Name } */
/* Appends what an administrator should know of them. 0 or -1. */
int names_warn(const struct manager *m, json_t *warnings);

#endif
