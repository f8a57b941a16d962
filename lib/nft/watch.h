/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_WATCH_H
#define PORTD_NFT_WATCH_H

#include "engine/scope.h"

/* Tells when somebody else commits to nf_tables in this network namespace, and who. */
struct watch;

#define WATCH_COMMAND_MAX 16 /* TASK_COMM_LEN of linux/sched.h */

/* One foreign commit. */
struct watch_commit {
    uint32_t generation;
    uint32_t pid; /* as the initial pid namespace sees it; 0: not told */
    char command[WATCH_COMMAND_MAX];
    bool touches_table; /* an object of table inet portd was in it; with .overflow: not told */
};

/* What a drain found: the newest commit that touched our table, else the newest at all. */
struct watch_news {
    bool any;
    bool overflow; /* messages were lost (ENOBUFS): look at the kernel, trust nothing else */
    uint32_t n_commits;
    uint32_t n_touching;
    struct watch_commit last;
    struct scope scope; /* of those that touched our table */
};

/* `own_port_id`: commits of this netlink port are not reported. Who steals the socket commits
 * under it, too: compare kernel_generation() with what kernel_apply() returned last. */
int watch_open(uint32_t own_port_id, struct watch **ret);
/* Whose commits are .touches_table: of PORTD_TABLE, unless told otherwise. Borrowed. */
void watch_use_table(struct watch *w, const char *table);
struct watch *watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free);

/* Becomes readable with each foreign commit, and stays so until all is drained. */
int watch_fd(const struct watch *w);

/* Reads what waits, without blocking; a few thousand commits at most, the rest with the next
 * call. */
int watch_drain(struct watch *w, struct watch_news *ret);

#endif
