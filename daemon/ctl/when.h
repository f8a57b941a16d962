/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_WHEN_H
#define PORTD_CTL_WHEN_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define WHEN_TEXT_MAX 40

/* A time of the daemon (RFC 3339 in UTC; NULL: none); fractions of a second are cut. */
bool when_parse(const char *text, time_t *ret);
/* Such a time for somebody who sits here: "14:02:11" today, else
 * "2025-01-31 14:02". What can't be read is "?". */
const char *when_format(const char *rfc3339, time_t now, char buf[static WHEN_TEXT_MAX]);
/* How long ago: "2d 4h", "3 min", "12 s". */
const char *when_age(const char *rfc3339, time_t now, char buf[static WHEN_TEXT_MAX]);
/* Seconds of "90", "90s", "10m" or "2h", at most a day's worth of each unit; 0: it is none of
 * these. */
long when_seconds(const char *text);
/* "0.6 ms", "12 s", "3 min". */
const char *when_duration(uint64_t usec, char buf[static WHEN_TEXT_MAX]);

#endif
