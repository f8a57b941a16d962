/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_BACKOFF_H
#define PORTD_ENGINE_BACKOFF_H

#include <stdbool.h>
#include <stdint.h>

/* How often repairs may follow each other: at once at first, then at a bounded rate for as long
 * as somebody keeps rewriting what was repaired. Times are microseconds of any steady clock. */
struct backoff {
    uint64_t debt_usec; /* what recent repairs cost, paid off by time passing */
    uint64_t last_usec;
};

/* A repair costs this much; up to BACKOFF_BURST of them need no waiting. */
#define BACKOFF_COST_USEC 100000U
#define BACKOFF_BURST     50U
/* And in the long run so many times the time that it took. */
#define BACKOFF_REST 2U

/* When the next repair may be made: `now_usec` or later. */
uint64_t backoff_due(const struct backoff *b, uint64_t now_usec);
/* One more, which took from then until now: whoever makes repairs slow fights us, too, and must
 * not have all our time. */
void backoff_spend(struct backoff *b, uint64_t begun_usec, uint64_t now_usec);
/* Whether repairs are being held back: somebody is fighting us. */
bool backoff_is_fight(const struct backoff *b, uint64_t now_usec);

#endif
