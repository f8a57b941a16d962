/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_DRIFT_H
#define PORTD_DAEMON_DRIFT_H

#include "daemon/witness.h"
#include "engine/chain.h"
#include "nft/watch.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* One change of our table that portd did not make. */
struct drift {
    uint64_t seen_usec;     /* CLOCK_REALTIME */
    uint64_t repaired_usec; /* from seeing the commit to the repair's own; 0: not repaired */
    uint32_t pid;           /* 0: unknown */
    char command[PROCESS_COMMAND_MAX];
    struct process process;
    char **lines; /* lines_free() */
    size_t n_lines;
    struct chain_link at; /* in the history; number 0: it isn't in it */
};

void drift_clear(struct drift *d);

/* As soon as the commit is heard of: whoever it was ends soon. */
void drift_suspect(const struct watch_commit *commit, struct witness *w);
/* Behind the repair: what the kernel told of who did it, and what the witness saw. */
void drift_blame(struct drift *d, const struct watch_commit *commit, struct witness *w);

json_t *drift_json(const struct drift *d); /* DriftRecord; of many changes the first ones */
void drift_log(const struct drift *d);

#endif
