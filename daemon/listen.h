/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_LISTEN_H
#define PORTD_DAEMON_LISTEN_H

#include "base/report.h"

#include <stdbool.h>
#include <sys/types.h>

/* Binds a Unix stream socket at `path` and listens there: non-blocking, mode 0660, of `group`
 * unless it is (gid_t)-1. What a portd that is gone left there is removed. LISTEN_E_REFUSED:
 * another portd listens, the path is too long, the directory is missing, …: the report says what
 * to do. Not for several threads: it sets the umask meanwhile. */
enum { LISTEN_E_REFUSED = 1 };
int listen_open(const char *path, gid_t group, int *ret_fd, struct report *reterr);

/* Whether that descriptor, which may be -1, listens at `path` for `group` already: the socket of
 * ours that the service manager kept. Needs CAP_NET_ADMIN, else false. */
bool listen_is_at(int fd, const char *path, gid_t group);

#endif
