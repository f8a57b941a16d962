/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CREDENTIALS_H
#define PORTD_DAEMON_CREDENTIALS_H

#include <stdbool.h>
#include <sys/types.h>

/* Who is on the other end of a Unix socket, by the kernel's word: unix(7), SO_PEERCRED and
 * SO_PEERGROUPS, both as of connecting. */
struct credentials {
    uid_t uid;
    pid_t pid;     /* 0: outside our pid namespace */
    bool in_group; /* `group` is its primary or one of its supplementary groups */
};

/* `group` (gid_t)-1: none. */
int credentials_read(int fd, gid_t group, struct credentials *ret);

#endif
