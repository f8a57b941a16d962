/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_RECONCILE_H
#define PORTD_DAEMON_RECONCILE_H

#include "base/report.h"
#include "nft/kernel.h"

/* Read, diff, apply, read back, compare. */
struct reconciled {
    char **lines; /* what was put right, a line each (plan_lines()); NULL: nothing was different */
    size_t n_lines;
    uint32_t generation;   /* the kernel's, at which HAVE was found equal to WANT */
    uint64_t applied_usec; /* CLOCK_MONOTONIC right behind the first commit; 0: none was needed */
    size_t n_commits;
};

void reconciled_clear(struct reconciled *r);

/* Others commit faster than we can read and write; another socket owns the table. */
enum { RECONCILE_E_CONTESTED = 5, RECONCILE_E_HOSTILE = 7 };

/* `drift`: what others are known to have changed, which is looked at first, alone; NULL: the change
 * is ours, and its lines are worded so. *ret says what was committed, whatever came of it.
 * 0: the kernel says what `want` says, and that was read back. Otherwise KERNEL_E_REFUSED (report),
 * KERNEL_E_NO_SEAL, RECONCILE_E_CONTESTED, RECONCILE_E_HOSTILE, or -errno. */
int reconcile(struct kernel *k, const struct ruleset *want, const struct scope *drift,
              struct reconciled *ret, struct report *reterr);

/* The same for no table at all. */
int reconcile_none(struct kernel *k, struct reconciled *ret, struct report *reterr);

/* Whether that return value says that others commit too fast, either to be read or to be written
 * between (-EAGAIN of kernel_read()). */
bool reconcile_is_outrun(int r);

#endif
