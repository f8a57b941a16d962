/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_RESOLVER_H
#define PORTD_RESOLVER_RESOLVER_H

#include "base/macros.h"

/* The names that portd needs, asked for in time, and portd told: the event loop. */
struct resolver;

#define RESOLVER_LOOKUPS_MAX 32U /* at a time */

/* 0 or -errno. `socket` is borrowed. */
int resolver_new(const char *socket, struct resolver **ret);
struct resolver *resolver_free(struct resolver *r);
DEFINE_CLEANUP(struct resolver *, resolver_free);

/* Until SIGTERM or SIGINT: 0; -errno: the loop broke. */
int resolver_run(struct resolver *r);

#endif
