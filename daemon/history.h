/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_HISTORY_H
#define PORTD_DAEMON_HISTORY_H

#include "base/macros.h"
#include "engine/chain.h"

#include <jansson.h>
#include <stdbool.h>

/* The newest drifts, in memory and in the state directory, as a chain (engine/chain.h) that goes
 * on over restarts. A thread of its own writes, so that no disk keeps anybody waiting; what
 * couldn't be written is tried again. */
struct history;

/* Goes on behind what is there. A history that was changed is kept aside and begun anew
 * (history_damage()); one that can't be read or written lives in memory for as long. -ENOMEM. */
int history_open(const char *state_dir, struct history **ret);
/* Writes what is left, then ends; waits for the disk. */
struct history *history_free(struct history *h);
DEFINE_CLEANUP(struct history *, history_free);

/* Adds a DriftRecord; returns at once. *ret: where it stands in the chain. -errno: memory. */
int history_add(struct history *h, json_t *record, struct chain_link *ret);

/* []DriftRecord, oldest first. */
json_t *history_json(struct history *h);

/* Reads the file and compares it with what is known here: the reply of VerifyHistory. Waits for
 * the disk; NULL: memory is out. */
json_t *history_verify_json(struct history *h);

/* For the administrator, malloc'ed; NULL: nothing. Why it is not on disk; what happened to it. */
char *history_error(struct history *h);
char *history_damage(struct history *h);

/* A line of the file as a DriftRecord; NULL: it is none. */
json_t *history_line_json(const char *line, size_t size);

#endif
