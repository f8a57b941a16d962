/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_HITS_H
#define PORTD_ENGINE_HITS_H

#include "engine/intent.h"
#include "engine/ruleset.h"

#include <jansson.h>

/* When each flow was last hit, as far as looks at its counters tell: a counter says how often, and
 * one look that it is another number than at the look before says that it was meanwhile. */

struct hit {
    char *counter;       /* "in/jtel-acd/rest" */
    uint64_t packets;    /* at the last look */
    uint64_t last_usec;  /* 0: never seen to be hit */
    uint64_t since_usec; /* from when on the flow is open and looked at; 0: it isn't open now */
};

struct hits {
    struct hit *items; /* sorted by counter */
    size_t n;
};

/* A look. Flows that are no longer open are remembered, but forgotten first when there are more
 * than HITS_MAX, and when they never were hit. 1: something is another than before; 0; -ENOMEM. */
#define HITS_MAX 8192U
int hits_take(struct hits *h, const struct intent *in, const struct ruleset *have,
              uint64_t now_usec);

/* Of a flow in the directions that it is open in: the newest hit (0: none), and from when on it is
 * looked at. False: it isn't open, or was not looked at yet. */
bool hits_of(const struct hits *h, const struct intent_flow *f, uint64_t *ret_last_usec,
             uint64_t *ret_since_usec);

/* For a file, and back. `uptime_usec` (CLOCK_MONOTONIC) falls when the machine boots, and counters
 * have begun anew. HITS_E_INVALID: it is none of ours, and *ret is as it was. */
enum { HITS_E_INVALID = 1 };
json_t *hits_json(const struct hits *h, uint64_t uptime_usec);
int hits_parse(const json_t *saved, uint64_t uptime_usec, struct hits *ret);
void hits_clear(struct hits *h);

#endif
