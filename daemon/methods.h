/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_METHODS_H
#define PORTD_DAEMON_METHODS_H
/* The rows of io.portd, one function a method: each takes its parameters, asks the manager that
 * `userdata` is, answers. All return 0 or -errno; only the latter ends the connection. methods.c
 * has those that only ask, and the table. */
#include "base/report.h"
#include "daemon/call.h"

#include <stddef.h>

/* Of methods_change.c. */
int method_plan(struct call *c, void *userdata);
int method_reload(struct call *c, void *userdata);
int method_off(struct call *c, void *userdata);
int method_unseal(struct call *c, void *userdata);
int method_seal(struct call *c, void *userdata);
int method_confirm(struct call *c, void *userdata);
int method_rollback(struct call *c, void *userdata);

/* The answer to what was refused: every mistake of the files, or the first reason in `why`. `r` is
 * ENFORCED_E_INVALID, another positive reason, or -errno, which is returned. */
int call_refused(struct call *c, int r, const struct report *why);

/* "root" or "uid 1000". */
void call_caller(const struct call *c, char *buf, size_t size);

/* Of methods_grant.c. */
int method_grant(struct call *c, void *userdata);
int method_grants(struct call *c, void *userdata);
int method_revoke(struct call *c, void *userdata);

#endif
