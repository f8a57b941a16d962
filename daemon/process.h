/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_PROCESS_H
#define PORTD_DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_UNIT_MAX 128

/* What /proc still knows of a process that may be gone already (proc(5)). */
struct process {
    bool has_uid;
    uid_t uid;
    char unit[PROCESS_UNIT_MAX]; /* "nftables.service", "session-3.scope"; "": none, or unknown */
};

/* Never fails: what can't be had is left out. `command` is the name that the kernel told with the
 * process id; a process of another name is another one, and nothing is said of it. */
void process_look(pid_t pid, const char *command, struct process *ret);

/* The innermost unit that a line of /proc/PID/cgroup names; "" when there is none. */
void process_unit_parse(const char *cgroup, char ret[static PROCESS_UNIT_MAX]);

#endif
