/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_DENIED_H
#define PORTD_DAEMON_DENIED_H

#include "daemon/manager.h"

/* What the rules denied, or would deny: what portd-denied (daemon/denied/) read of it, why, and how
 * much nobody read. */
struct denied;

/* Takes `program` (reader_program()). To be called before the first rules are compiled: the kernel
 * is asked whether it can log to programs at all. 0 or -errno. */
int denied_new(int program, struct denied **ret);
struct denied *denied_free(struct denied *d);
DEFINE_CLEANUP(struct denied *, denied_free);

/* Whether rules may log. */
bool denied_can_log(const struct denied *d);

/* Starts to read; needs the loop and the table in the kernel. 0 or -errno. */
int denied_attach(struct manager *m);

/* Which of it is asked for. */
struct denied_query {
    uint64_t since_usec; /* CLOCK_REALTIME, of the last packet */
    bool has_would, would;
};
/* The reply of Denied, or NULL: memory is out. */
json_t *denied_reply(struct manager *m, const struct denied_query *q);

/* type DeniedRecently, of the last hour; NULL: memory is out. */
json_t *denied_recently(const struct manager *m);
/* What is in force may have other parts in audit mode. */
void denied_observe(const struct manager *m);
/* type AuditMode; JSON's null: nothing is in audit mode. NULL: memory is out. */
json_t *denied_audit(const struct manager *m);
/* Appends why packets that were denied can't be read. 0 or -1. */
int denied_warn(const struct manager *m, json_t *warnings);

#endif
