/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_LEGACY_H
#define PORTD_DAEMON_LEGACY_H

#include "engine/foreign.h"

/* Which tables of the older iptables (x_tables) are in use in this network namespace: their names,
 * and no more, from /proc/net/ip_tables_names and ip6_tables_names. Asking the kernel in any other
 * way would make the tables that it is asked about. */

#define LEGACY_TEXT_MAX 1024U

struct legacy {
    int fds[FAMILY_MAX]; /* -1: the file wasn't there or can't be opened */
};

#define LEGACY_INIT ((struct legacy){ .fds = { -1, -1 } })

/* To be called before privileges fall: root alone may read these files. */
void legacy_open(struct legacy *ret);
void legacy_close(struct legacy *l);

/* What the files say now, a name a line. */
struct legacy_names {
    char texts[FAMILY_MAX][LEGACY_TEXT_MAX];
    bool is_unknown;
};
void legacy_read(const struct legacy *l, struct legacy_names *ret);

/* 0 or -ENOMEM. */
int legacy_tell(const struct legacy_names *names, struct foreign *f);

#endif
