/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_DISK_H
#define PORTD_DAEMON_DISK_H

#include "daemon/enforced.h"

#include <jansson.h>
#include <systemd/sd-event.h>

/* Notices when the files are no longer those that were loaded. Loading them is up to others. */
struct disk;

/* `input` and `loaded` are borrowed; disk_loaded() ends the borrowing of `loaded`. 0 or -errno. */
int disk_new(sd_event *event, const struct input *input, const struct stamps *loaded,
             struct disk **ret);
struct disk *disk_free(struct disk *d);
DEFINE_CLEANUP(struct disk *, disk_free);

/* These were loaded now. */
void disk_loaded(struct disk *d, const struct stamps *loaded);

/* Appends what an administrator should know of it. 0 or -1. */
int disk_warn(const struct disk *d, json_t *warnings);

#endif
