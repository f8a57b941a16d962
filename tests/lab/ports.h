/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_LAB_PORTS_H
#define PORTD_LAB_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ports that are worth a probe. */
struct ports {
    bool member[65536];
    uint16_t *items; /* sorted; filled by ports_finish() */
    size_t n;
};

/* Every number of a narrow range, both ends and a few inside of a wide one, and the numbers
 * beside it. */
void ports_add_range(struct ports *p, uint16_t lo, uint16_t hi);
/* `n` more that aren't among them yet, the same for the same seed. */
void ports_add_random(struct ports *p, size_t n, uint64_t seed);
/* Port 0 can't be bound and is never among them. -ENOMEM. */
int ports_finish(struct ports *p);
void ports_clear(struct ports *p);

#endif
