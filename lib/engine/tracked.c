/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which addresses a packet has in the last hook of our table: the destination is translated before
 * it (prerouting, output), the source of an answer to this host too, but in input; all else
 * afterwards (postrouting). nf_nat_inet_fn() of net/netfilter/nf_nat_core.c. */
#include "engine/tracked.h"

#define TCP_ACK 0x10U /* RFC 9293 section 3.1 */

bool endpoint_equals(const struct endpoint *a, const struct endpoint *b) {
    return a->port == b->port && address_compare(&a->address, &b->address) == 0;
}

static struct packet packet_between(const struct tracked *t, const struct endpoint *from,
                                    const struct endpoint *to) {
    return (struct packet){
        .direction = t->direction,
        .is_forwarded = t->is_forwarded,
        .family = t->family,
        .source = from->address,
        .destination = to->address,
        .protocol = t->protocol,
        .source_port = from->port,
        .destination_port = to->port,
        .tcp_flags = TCP_ACK,
        .ct_state = CT_STATE_ESTABLISHED,
        .ct_status = t->status,
        .original_port = t->destination.port,
        .destination_type = ADDRESS_TYPE_UNICAST,
    };
}

static struct packet answer(const struct tracked *t) {
    bool is_to_us = t->direction == DIRECTION_OUT && !t->is_forwarded;
    struct packet p = packet_between(t, is_to_us ? &t->destination : &t->answerer, &t->source);

    p.direction = t->direction == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
    p.ct_direction = CT_REPLY;
    return p;
}

bool tracked_passes(const struct ruleset *rules, const struct tracked *t, const char **ret_match) {
    struct packet asked = packet_between(t, &t->source, &t->answerer), answered = answer(t);
    struct decision d = ruleset_eval(rules, &asked);

    *ret_match = d.match ? d.match->comment : NULL;
    return d.accepted && ruleset_eval(rules, &answered).accepted;
}
