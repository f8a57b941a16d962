/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_RECORD_H
#define PORTD_DAEMON_RECORD_H

#include "base/report.h"

#include <jansson.h>

/* A JSON value in a file of its own in the state directory, with a digest that says whether it is
 * whole. */

enum {
    RECORD_E_ABSENT = 1,
    RECORD_E_INVALID = 2, /* damaged, or not to be read: the report may say why */
};

/* Atomically, and on the disk when it returns. 0 or -errno. */
int record_save(const char *path, const json_t *content);
int record_load(const char *path, json_t **ret, struct report *reterr);

/* "DIRECTORY/NAME", malloc'ed; NULL when memory is out. */
char *record_path(const char *directory, const char *name);

#endif
