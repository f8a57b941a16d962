/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PROBE_H
#define PORTD_ENGINE_PROBE_H

#include "engine/foreign.h"
#include "engine/intent.h"

/* What a field of the packets can be; no ranges: there is no such field in them. */
#define VALUES_MAX 4U
struct values {
    struct range ranges[VALUES_MAX];
    size_t n;
    bool is_unknown;
};

/* The packets of one flow, one service and one range of addresses on the other end: those that ask,
 * or those that answer. */
struct probe {
    const struct intent *intent;
    const struct intent_flow *flow;
    enum direction direction; /* of the flow */
    bool is_answer;
    bool is_untracked; /* connection tracking has not seen them yet: their state reads as invalid */
    enum family family;
    struct service service;
    struct range other;
    struct values values[FIELD_MAX]; /* but what connection tracking knows of them */
};

/* Whether the packets come in, past prerouting and input; else they leave. */
bool probe_is_incoming(const struct probe *p);

/* For how many of the packets a condition holds. */
enum fit { FIT_NONE, FIT_SOME, FIT_UNKNOWN, FIT_ALL };

enum fit probe_match(const struct probe *p, const struct foreign_match *m);
/* An element of a map that is looked up with the field of `m`. */
enum fit probe_element(const struct probe *p, const struct foreign_match *m,
                       const struct range *key);
/* All conditions of a rule; of a map not the look-up. */
enum fit probe_rule(const struct probe *p, const struct foreign_rule *r);

/* Calls `each` for every probe of the flows that open something, in the order of the flows. */
void probes_each(const struct intent *in, void (*each)(const struct probe *p, void *userdata),
                 void *userdata);

#endif
