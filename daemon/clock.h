/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CLOCK_H
#define PORTD_DAEMON_CLOCK_H

#include <stdint.h>

/* Microseconds. */
uint64_t clock_monotonic(void);
uint64_t clock_boottime(void); /* goes on while the machine sleeps */
uint64_t clock_realtime(void);

#define CLOCK_TEXT_SIZE 40
/* RFC 3339 in UTC with milliseconds: "2025-01-31T14:02:11.042Z". */
const char *clock_format(uint64_t realtime_usec, char buf[static CLOCK_TEXT_SIZE]);

#endif
