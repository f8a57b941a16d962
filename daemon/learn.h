/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_LEARN_H
#define PORTD_DAEMON_LEARN_H

#include "daemon/manager.h"

/* The first rules on a running host: for a while nothing is denied, so that connection tracking
 * sees the connections that are open already, whose next packet would else look like a new one.
 * Not at boot, where nothing can be connected yet, and not when our table is there already. */
#define LEARN_SECONDS     10
#define LEARN_SECONDS_MAX 3600

/* Before the first rules are put in force. 0 or -errno. */
int learn_begin(struct manager *m);
/* The timer that ends it; needs the loop. 0 or -errno. */
int learn_attach(struct manager *m);

/* The ruleset of `e` as it is meant now: with the addresses that are known of its names, and
 * denying nothing while we learn. 0 or -ENOMEM. */
int learn_compile(const struct manager *m, const struct enforced *e, struct ruleset **ret);

/* Appends what an administrator should know of it. 0 or -1. */
int learn_warn(const struct manager *m, json_t *warnings);

#endif
