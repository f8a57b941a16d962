/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_FAILURE_H
#define PORTD_CTL_FAILURE_H

#include "verb.h"

#include "base/report.h"

#include <jansson.h>

/* Each says on stderr what went wrong and what to type next, and returns what to exit with. */

/* The conversation failed with -errno. */
enum status failure_connection(const struct options *o, int error);
/* The daemon answered with an error. With --json it is printed to stdout as well:
 * { error, parameters }. */
enum status failure_answer(const struct options *o, const char *method, const char *error,
                           json_t *parameters);
/* The files have mistakes. With --json they are printed to stdout as { mistakes: []Mistake }. */
enum status failure_report(const struct options *o, const struct report *report);
/* A file could not be written: -errno. */
enum status failure_write(const char *path, int error);
enum status failure_memory(void);

#endif
