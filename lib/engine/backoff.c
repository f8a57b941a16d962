/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A leaky bucket counted in time: no table of past repairs, nothing to reset. */
#include "engine/backoff.h"

#define DEBT_FREE_USEC ((uint64_t)BACKOFF_COST_USEC * BACKOFF_BURST)

static uint64_t debt_at(const struct backoff *b, uint64_t now_usec) {
    uint64_t passed = now_usec > b->last_usec ? now_usec - b->last_usec : 0;

    return b->debt_usec > passed ? b->debt_usec - passed : 0;
}

uint64_t backoff_due(const struct backoff *b, uint64_t now_usec) {
    uint64_t debt = debt_at(b, now_usec);

    return debt + BACKOFF_COST_USEC <= DEBT_FREE_USEC
               ? now_usec
               : now_usec + (debt + BACKOFF_COST_USEC - DEBT_FREE_USEC);
}

void backoff_spend(struct backoff *b, uint64_t begun_usec, uint64_t now_usec) {
    uint64_t took = now_usec > begun_usec ? now_usec - begun_usec : 0;

    b->debt_usec = debt_at(b, begun_usec) + BACKOFF_COST_USEC + BACKOFF_REST * took;
    b->last_usec = now_usec;
}

bool backoff_is_fight(const struct backoff *b, uint64_t now_usec) {
    return debt_at(b, now_usec) > DEBT_FREE_USEC - 2 * (uint64_t)BACKOFF_COST_USEC;
}
