/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_GENERATIONS_H
#define PORTD_DAEMON_GENERATIONS_H

#include "base/report.h"

#include <jansson.h>
#include <stdint.h>

/* The texts of the generations that were in force last, in generations/ of the state directory, a
 * file each, with who put them in force, when, why, and what they opened and closed. */

#define GENERATIONS_DIR   "generations"
#define GENERATIONS_MAX   20U
#define GENERATIONS_BYTES ((uint64_t)64 << 20) /* of all of them: the oldest go */

enum { GENERATIONS_E_ABSENT = 1, GENERATIONS_E_INVALID = 2 };

/* As its `generation` says, and lets the oldest go. The first record of a ruleset stays: 0 when it
 * is there already. 0 or -errno. */
int generations_save(const char *state_dir, const json_t *generation);
/* 0, GENERATIONS_E_* or -errno. */
int generations_load(const char *state_dir, uint64_t number, json_t **ret);
/* []Generation of io.portd, the newest first; NULL: no memory, or they can't be read. Those that
 * are damaged are left out. */
json_t *generations_json(const char *state_dir);
/* 0: there is none. */
uint64_t generations_newest(const char *state_dir);
/* Whose texts it has: its own number, or of the one that it restored. */
uint64_t generations_origin(const char *state_dir, uint64_t number);
/* Which was in force before: the newest below its origin. 0: none is known. */
uint64_t generations_before(const char *state_dir, uint64_t number);

#endif
