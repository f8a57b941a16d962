/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon speaks UTC, so that its answers compare; people read their own clock. */
#include "when.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool when_parse(const char *text, time_t *ret) {
    struct tm tm = { 0 };

    if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
        return false;
    *ret = timegm(&tm);
    return true;
}

const char *when_format(const char *rfc3339, time_t now, char buf[static WHEN_TEXT_MAX]) {
    struct tm then_tm, now_tm;
    bool is_today;
    time_t then;

    if (!when_parse(rfc3339, &then) || !localtime_r(&then, &then_tm) || !localtime_r(&now, &now_tm))
        return "?";
    is_today = then_tm.tm_year == now_tm.tm_year && then_tm.tm_yday == now_tm.tm_yday;
    strftime(buf, WHEN_TEXT_MAX, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &then_tm);
    return buf;
}

const char *when_age(const char *rfc3339, time_t now, char buf[static WHEN_TEXT_MAX]) {
    time_t then;

    if (!when_parse(rfc3339, &then))
        return "?";
    return when_duration(then < now ? (uint64_t)(now - then) * 1000000 : 0, buf);
}

const char *when_duration(uint64_t usec, char buf[static WHEN_TEXT_MAX]) {
    uint64_t s = usec / 1000000;

    if (s >= 86400)
        snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s % 86400 / 3600);
    else if (s >= 3600)
        snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 "h %" PRIu64 "min", s / 3600, s % 3600 / 60);
    else if (s >= 60)
        snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " min", s / 60);
    else if (s >= 1 || usec == 0)
        snprintf(buf, WHEN_TEXT_MAX, "%" PRIu64 " s", s);
    else
        snprintf(buf, WHEN_TEXT_MAX, "%.1f ms", (double)usec / 1000);
    return buf;
}

long when_seconds(const char *text) {
    static const char units[] = "smh";
    static const long factors[] = { 1, 60, 3600 };
    const char *unit;
    char *end;
    long n;

    if (*text < '0' || *text > '9')
        return 0;
    n = strtol(text, &end, 10);
    unit = *end ? strchr(units, *end) : units;
    if (!unit || (*end && end[1]) || n > 86400)
        return 0;
    return n * factors[unit - units];
}
