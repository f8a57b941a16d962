/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_CLASSES_H
#define PORTD_ENGINE_CLASSES_H

#include "engine/intent.h"

/* The ports of one direction, cut where the list of flows that open them changes: every port
 * belongs to exactly one class, and all ports of a class are open for the same flows. */
struct port_class {
    const struct intent_flow **flows; /* in the order of the intent */
    size_t n_flows;
    struct service *services; /* sorted, disjoint; joined where they touch */
    size_t n_services;
};

struct port_classes {
    struct port_class *items; /* sorted by their first service */
    size_t n;
};

/* Of all flows active in `d`, protocols with ports only. 0 or -ENOMEM. */
int port_classes_make(struct arena *a, const struct intent *in, enum direction d,
                      struct port_classes *ret);

#endif
