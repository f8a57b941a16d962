/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_USAGE_H
#define PORTD_DAEMON_USAGE_H

#include "daemon/manager.h"

/* When each flow was last hit (engine/hits.h): looked up once a minute and whenever somebody asks,
 * kept in the state directory across reloads, restarts and reboots. */
struct usage;

/* Takes what was saved. 0 or -errno. */
int usage_new(const char *state_dir, struct usage **ret);
struct usage *usage_free(struct usage *u);
DEFINE_CLEANUP(struct usage *, usage_free);

/* Begins to look; needs the loop. 0 or -errno. */
int usage_attach(struct manager *m);
/* The counters were just read. 0 or -errno. */
int usage_take(struct manager *m, const struct ruleset *have);
/* Looks and saves for the last time. */
void usage_end(struct manager *m);

/* Adds to each Flow of the policy in force when it was hit. 0 or -1. */
int usage_tell(const struct manager *m, json_t *flows);

#endif
