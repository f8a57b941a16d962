/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_RETRY_H
#define PORTD_RESOLVER_RETRY_H

#include <stdint.h>

/* How long to wait after the n-th failure in a row (from 1): `first`, doubling up to `max`. */
static inline uint64_t retry_delay(unsigned n_failures, uint64_t first, uint64_t max) {
    uint64_t delay = first;

    for (unsigned n = 1; n < n_failures && delay < max; n++)
        delay *= 2;
    return delay < max ? delay : max;
}

#endif
