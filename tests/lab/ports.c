/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mistakes in a port table sit at the ends of ranges, so those and their neighbours are always
 * probed; the random ones look for what nobody thought of. */
#include "ports.h"

#include "prober.h"

#include <errno.h>
#include <stdlib.h>

#define NARROW 8U

static void add(struct ports *p, unsigned port) {
    if (port > 0 && port < 65536 && port != PROBER_SOURCE_PORT)
        p->member[port] = true;
}

void ports_add_range(struct ports *p, uint16_t lo, uint16_t hi) {
    unsigned width = (unsigned)hi - lo;

    add(p, lo - 1U);
    add(p, hi + 1U);
    if (width < NARROW) {
        for (unsigned i = lo; i <= hi; i++)
            add(p, i);
        return;
    }
    add(p, lo + 1U);
    add(p, hi - 1U);
    for (unsigned i = 0; i <= NARROW; i++)
        add(p, lo + width * i / NARROW);
}

/* splitmix64: small, and the same everywhere. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void ports_add_random(struct ports *p, size_t n, uint64_t seed) {
    while (n > 0) {
        unsigned port = next_random(&seed) % 65536;

        if (port == 0 || port == PROBER_SOURCE_PORT || p->member[port])
            continue;
        add(p, port);
        n--;
    }
}

int ports_finish(struct ports *p) {
    size_t n = 0;

    for (unsigned i = 0; i < 65536; i++)
        n += p->member[i];
    p->items = calloc(n, sizeof(*p->items));
    if (!p->items)
        return -ENOMEM;
    p->n = 0;
    for (unsigned i = 0; i < 65536; i++)
        if (p->member[i])
            p->items[p->n++] = (uint16_t)i;
    return 0;
}

void ports_clear(struct ports *p) {
    free(p->items);
    p->items = NULL;
    p->n = 0;
}
