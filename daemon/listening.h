/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_LISTENING_H
#define PORTD_DAEMON_LISTENING_H

#include "daemon/manager.h"

/* The reply of Listening: as it is now. 0, -EAGAIN: others commit faster than we can read;
 * -errno. */
int listening_reply(struct manager *m, json_t **ret);

#endif
