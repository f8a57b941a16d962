/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_STATUS_H
#define PORTD_DAEMON_STATUS_H

#include "daemon/manager.h"

/* The answer of Status. NULL: memory. */
json_t *status_json(const struct manager *m);

/* A line for the service manager, malloc'ed: who we are, what is in force, and what is wrong. NULL
 * when memory is out. */
char *status_line(const struct manager *m);

#endif
