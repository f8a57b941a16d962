/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CGROUP_H
#define PORTD_DAEMON_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define CGROUP_MOUNT           "/sys/fs/cgroup"
#define CGROUP_PATH_MAX        512
#define CGROUP_DIRECTORIES_MAX 4096U

/* The control group that a process or thread is in, as a path below the hierarchy that systemd
 * manages ("/system.slice/nftables.service"), looked for in the list of threads of every directory
 * below `mount`, those near the root first: who may not read /proc/PID/cgroup may read these.
 * false: it is in none of the first CGROUP_DIRECTORIES_MAX, or not found by `until_usec`, which is
 * looked at before each directory (CLOCK_MONOTONIC). */
bool cgroup_find(const char *mount, pid_t pid, uint64_t until_usec,
                 char ret[static CGROUP_PATH_MAX]);

/* Calls it with the id and the path of each group of version 2 (cgroups(7)), in the same order and
 * bounds, until it says false. */
typedef bool (*cgroup_each)(uint64_t id, const char *path, void *userdata);
void cgroup_walk(const char *mount, uint64_t until_usec, cgroup_each each, void *userdata);

/* Who logged in, by the slice that systemd-logind puts a user's sessions in (user-1000.slice). */
bool cgroup_login_uid(const char *path, uid_t *ret);

#endif
