/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_DRIFT_H
#define PORTD_DAEMON_DRIFT_H

#include "daemon/process.h"
#include "nft/watch.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* One change of our table that portd did not make. */
struct drift {
    uint64_t seen_usec;     /* CLOCK_REALTIME */
    uint64_t repaired_usec; /* from seeing the commit to the repair's own; 0: not repaired */
    uint32_t pid;           /* 0: unknown */
    char command[WATCH_COMMAND_MAX];
    struct process process;
    char **lines; /* lines_free() */
    size_t n_lines;
};

/* The newest DRIFT_HISTORY_MAX of them. */
#define DRIFT_HISTORY_MAX 100U
struct drift_history {
    struct drift items[DRIFT_HISTORY_MAX]; /* a ring */
    size_t next;
    uint64_t n_total;
};

/* Takes the lines of `d`. */
void drift_history_add(struct drift_history *h, struct drift *d);
const struct drift *drift_history_last(const struct drift_history *h); /* NULL: none yet */
void drift_history_clear(struct drift_history *h);

json_t *drift_json(const struct drift *d);                 /* DriftRecord */
json_t *drift_history_json(const struct drift_history *h); /* []DriftRecord, oldest first */
void drift_log(const struct drift *d);

#endif
