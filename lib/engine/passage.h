/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PASSAGE_H
#define PORTD_ENGINE_PASSAGE_H

#include "engine/intent.h"

/* What passes from one end to another in a flow, and which other flows let it out where the flow
 * itself does not. */
struct passage {
    struct service *services;
    size_t n_services;
    const struct intent_flow **out; /* in the order of the intent */
    size_t n_out;
};

/* One that is put together: its memory serves many, one after the other. Zeroed at first. */
struct passage_build {
    struct passage passage;
    size_t room_services, room_out;
};

/* Whether packets of a family can be of the protocol: ICMP has its own in each. */
bool family_carries(enum family f, uint8_t protocol);

void passage_begin(struct passage_build *b);
void passage_clear(struct passage_build *b);
/* What both flows open, in packets of a family: ICMP has its own in each. 1: something new; 0 or
 * -ENOMEM. */
int passage_add(struct passage_build *b, const struct intent_flow *x, const struct intent_flow *y,
                enum family family);
int passage_add_out(struct passage_build *b, const struct intent_flow *flow);
/* Sorts and joins the services, so that equal passages are equal. */
void passage_end(struct passage_build *b);

bool passage_equals(const struct passage *a, const struct passage *b);
int passage_copy(struct arena *a, const struct passage *from, struct passage *to);

#endif
