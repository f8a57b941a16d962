/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bounds that stay the same, so that the counts of two hosts, or of two times, add up. */
#include "engine/latency.h"

#include "base/macros.h"
#include "engine/jsonlist.h"

static const uint64_t bounds[] = { 100,     250,     500,     1000,    2500,   5000,
                                   10000,   25000,   50000,   100000,  250000, 500000,
                                   1000000, 2500000, 5000000, 10000000 };
static_assert(ARRAY_SIZE(bounds) == LATENCY_BOUNDS, "a bound has no number");

uint64_t latency_bound(unsigned i) {
    return bounds[i];
}

void latency_add(struct latency *l, uint64_t usec) {
    unsigned i = 0;

    l->n++;
    l->usec += usec;
    while (i < LATENCY_BOUNDS && usec > bounds[i])
        i++;
    if (i < LATENCY_BOUNDS)
        l->within[i]++;
}

static json_t *bounds_json(const struct latency *l) {
    json_t *list = json_array();
    uint64_t n = 0;
    int r = list ? 0 : -1;

    for (unsigned i = 0; r == 0 && i < LATENCY_BOUNDS; i++) {
        n += l->within[i];
        r = json_array_append_new(
            list, json_pack("{s:I, s:I}", "usec", (json_int_t)bounds[i], "count", (json_int_t)n));
    }
    return json_whole(list, r);
}

json_t *latency_json(const struct latency *l) {
    return json_pack("{s:I, s:I, s:o}", "count", (json_int_t)l->n, "usec", (json_int_t)l->usec,
                     "at_most", bounds_json(l));
}
