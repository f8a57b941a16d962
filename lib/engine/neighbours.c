/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/neighbours.h"

#include <errno.h>

static int neighbour_order(const void *a, const void *b) {
    const struct intent_neighbour *x = a, *y = b;

    return x->family != y->family ? (int)x->family - (int)y->family
                                  : address_compare(&x->address, &y->address);
}

static int host_add(struct intent *in, const struct host *h) {
    struct intent_neighbour n = { .name = arena_strdup(in->arena, h->name) };

    if (!n.name)
        return -ENOMEM;
    for (size_t i = 0; i < h->roles.n; i++) {
        const char **role = ARENA_APPEND(in->arena, n.roles, n.n_roles);

        if (!role || !(*role = arena_strdup(in->arena, h->roles.items[i].text)))
            return -ENOMEM;
    }
    for (size_t i = 0; i < h->addresses.n; i++) {
        struct intent_neighbour *slot;

        if (!range_is_host(&h->addresses.items[i].range))
            continue;
        slot = ARENA_APPEND(in->arena, in->neighbours, in->n_neighbours);
        if (!slot)
            return -ENOMEM;
        n.family = h->addresses.items[i].family;
        n.address = h->addresses.items[i].range.lo;
        *slot = n;
    }
    return 0;
}

int neighbours_resolve(struct intent *in, const struct site *site) {
    for (size_t i = 0; i < site->n_hosts; i++) {
        int r = host_add(in, &site->hosts[i]);

        if (r < 0)
            return r;
    }
    if (in->n_neighbours > 0)
        qsort(in->neighbours, in->n_neighbours, sizeof(*in->neighbours), neighbour_order);
    return 0;
}

const struct intent_neighbour *intent_neighbour_find(const struct intent *i, enum family f,
                                                     const struct address *a) {
    const struct intent_neighbour key = { .family = f, .address = *a };

    if (i->n_neighbours == 0)
        return NULL;
    return bsearch(&key, i->neighbours, i->n_neighbours, sizeof(key), neighbour_order);
}
