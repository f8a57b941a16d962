/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_PROCESS_H
#define PORTD_DAEMON_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_UNIT_MAX    128
#define PROCESS_COMMAND_MAX 64
#define PROCESS_LINE_MAX    256

/* What /proc still knows of a process that may be gone already (proc(5)); "": unknown. Fit to be
 * shown (base/quote.h), because whoever runs chooses most of it. */
struct process {
    bool is_hidden; /* /proc is mounted with hidepid=noaccess, and what follows comes from elsewhere
                     */
    bool has_uid;
    uid_t uid;
    bool has_login_uid; /* who logged in, whoever they became since with su or sudo */
    uid_t login_uid;
    char unit[PROCESS_UNIT_MAX]; /* "nftables.service", "session-3.scope" */
    char command_line[PROCESS_LINE_MAX];

    pid_t parent_pid; /* 0: unknown */
    char parent_command[PROCESS_COMMAND_MAX];
    char parent_command_line[PROCESS_LINE_MAX];
    char parent_unit[PROCESS_UNIT_MAX];
};

/* Never fail: what can't be had is left out. `command` is the name that the kernel told with the
 * process id; a process of another name is another one, and nothing is said of it. Where /proc
 * shows of others who they are and no more, the name can't be compared: what is said is then of
 * whoever has that id now. */

/* All but what process_look_closer() adds; nothing of it can be held up. */
void process_look(pid_t pid, const char *command, struct process *ret);
/* Adds the command lines, which are read from the memory of the processes: whoever wants to can
 * make that take for ever. Of a hidden process it adds the unit and who logged in instead. */
void process_look_closer(pid_t pid, const char *command, struct process *p);

/* The innermost unit that a line of /proc/PID/cgroup names; "" when there is none. */
void process_unit_parse(const char *cgroup, char ret[static PROCESS_UNIT_MAX]);
/* The parent that a line of /proc/PID/stat names; 0: none. */
pid_t process_parent_parse(const char *stat);

/* Outside text, escaped; cut with "..." where it doesn't fit. */
void process_text(const char *text, char *ret, size_t size);

#endif
