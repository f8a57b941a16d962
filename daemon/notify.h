/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_NOTIFY_H
#define PORTD_DAEMON_NOTIFY_H

#include "daemon/manager.h"

/* Events of Watch (lib/varlink/io.portd.varlink), to whoever watches; nobody waits for them. */
void notify_state(struct manager *m);
void notify_drift(struct manager *m); /* the newest of the history */
/* DNS gave other addresses: what the kernel's sets were changed by (plan_lines()). */
void notify_names(struct manager *m, char *const *lines, size_t n);
void notify_reload(struct manager *m); /* and that a ruleset came in force */

json_t *reload_record_json(const struct reload_record *r); /* ReloadRecord */

#endif
