/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_ALIKE_H
#define PORTD_ENGINE_ALIKE_H

#include "engine/resolve.h"

/* The hosts of a site, those together that every flow treats alike: they ask and are asked in the
 * same flows, and each flow's other end has all of them or none. A site of a thousand hosts has a
 * few dozen such groups, as many as it has mixtures of roles. */

/* An address of a host, as flows see it; hosts have few that differ. */
struct alike_address {
    enum family family;
    const uint64_t *from,
        *to; /* the flows that have it on this end, as the other end's addresses */
};

struct alike {
    size_t *hosts; /* by their place in the site, ascending */
    size_t n_hosts;
    const uint64_t *in, *out; /* the flows that are active for its hosts */
    struct alike_address *addresses;
    size_t n_addresses;
};

struct alikes {
    struct alike *items; /* in the order of their first hosts */
    size_t n;
    size_t *of_host; /* the group of each host of the site */
};

/* Turns the resolver to each host in turn. `apart`: a host that shares its group with nobody, or
 * NULL. `a` takes the memory. 0 or -ENOMEM. */
int alikes_find(struct arena *a, struct resolver *rs, const struct host *apart, struct alikes *ret);

/* Whether a set of flows has one, by its place in the intent. */
static inline bool flows_have(const uint64_t *flows, size_t flow) {
    return flows[flow / 64] >> (flow % 64) & 1;
}

#endif
