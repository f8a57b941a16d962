/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/clock.h"

#include <stddef.h>
#include <stdio.h>
#include <time.h>

static uint64_t clock_read(clockid_t id) {
    struct timespec ts;

    clock_gettime(id, &ts);
    return (uint64_t)ts.tv_sec * 1000000U + (uint64_t)ts.tv_nsec / 1000U;
}

uint64_t clock_monotonic(void) {
    return clock_read(CLOCK_MONOTONIC);
}

uint64_t clock_boottime(void) {
    return clock_read(CLOCK_BOOTTIME);
}

uint64_t clock_realtime(void) {
    return clock_read(CLOCK_REALTIME);
}

const char *clock_format(uint64_t realtime_usec, char buf[static CLOCK_TEXT_SIZE]) {
    time_t seconds = (time_t)(realtime_usec / 1000000U);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(buf, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(buf + n, CLOCK_TEXT_SIZE - n, ".%03uZ", (unsigned)(realtime_usec / 1000U % 1000U));
    return buf;
}
