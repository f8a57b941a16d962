/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_LATENCY_H
#define PORTD_ENGINE_LATENCY_H

#include <jansson.h>
#include <stdint.h>

/* How long things took: how many of them, all together, and how many at most so long. */
#define LATENCY_BOUNDS 16
struct latency {
    uint64_t n, usec;
    uint64_t within[LATENCY_BOUNDS]; /* no longer than latency_bound(i), each counted once */
};

/* From 100 microseconds to 10 seconds. */
uint64_t latency_bound(unsigned i);

void latency_add(struct latency *l, uint64_t usec);

/* Latency of io.portd: { count, usec, at_most[] { usec, count } }; there each bound counts all
 * that are shorter. NULL: memory is out. */
json_t *latency_json(const struct latency *l);

#endif
