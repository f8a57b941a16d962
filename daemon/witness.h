/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_WITNESS_H
#define PORTD_DAEMON_WITNESS_H

#include "base/macros.h"
#include "daemon/process.h"

/* Looks at a process in a thread of its own, while the loop repairs what it did: most commands end
 * right behind their commit, and the command line of a hostile one may be made to take for ever. */
struct witness;

int witness_new(struct witness **ret);
/* A thread that is held up is left behind. */
struct witness *witness_free(struct witness *w);
DEFINE_CLEANUP(struct witness *, witness_free);

/* Sends it to look; returns at once. Who is looked at already isn't again, and while it is held up
 * by another process nothing comes of it. */
void witness_call(struct witness *w, pid_t pid, const char *command);

/* What it saw of that process since it was called, and it may be called again; waits for it for
 * some milliseconds at most. false: nothing was seen. */
bool witness_answer(struct witness *w, pid_t pid, struct process *ret);

#endif
