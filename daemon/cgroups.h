/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CGROUPS_H
#define PORTD_DAEMON_CGROUPS_H

#include "engine/listening.h"

#include <stdbool.h>
#include <stdint.h>

/* The control groups of this host (cgroups(7), version 2; also beside version 1). */

/* `path` begins with '/', below the root of the hierarchy; `fd` is the group's directory. False:
 * that is enough. */
typedef bool (*cgroup_each)(uint64_t id, const char *path, int fd, void *userdata);
/* Calls it for every group but the root, those above first: at most CGROUPS_MAX, at most
 * CGROUPS_DEPTH below each other. Where there is none it is never called. 0 or -errno. */
#define CGROUPS_MAX   20000U
#define CGROUPS_DEPTH 16U
int cgroups_walk(cgroup_each each, void *userdata);

/* Names the systemd unit that each listener's group belongs to. */
int cgroups_name_units(struct listeners *l);

#endif
