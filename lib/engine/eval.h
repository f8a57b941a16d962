/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_EVAL_H
#define PORTD_ENGINE_EVAL_H

#include "engine/ruleset.h"

/* A packet as the rules see it. */
struct packet {
    enum direction direction; /* DIRECTION_IN: hook input */
    bool is_forwarded;        /* hook forward, whatever the direction */
    enum family family;
    struct address source, destination;
    uint8_t protocol;
    uint16_t source_port, destination_port; /* host order; 0 for protocols without ports */
    uint8_t icmp_type;
    uint8_t tcp_flags;
    bool is_loopback;  /* comes in or goes out through lo */
    uint32_t ct_state; /* one of CT_STATE_*; CT_STATE_NEW for the first packet */
    enum ct_direction ct_direction;
    uint32_t ct_status;        /* CT_STATUS_* */
    uint16_t original_port;    /* that the connection asked for, before any translation */
    uint32_t destination_type; /* ADDRESS_TYPE_* */
};

struct decision {
    bool accepted;
    bool rejected;            /* denied with an answer */
    const struct rule *rule;  /* the rule that decided; NULL: the chain's policy */
    const struct rule *match; /* the last rule with a comment that led there; may be NULL */
};

/* Decide one packet. First match wins; with none, .rule is NULL and the chain policy decides.
 * A table that doesn't exist or is dormant accepts. Rate limits never bite; a foreign rule
 * doesn't match. Never fails, never allocates. */
struct decision ruleset_eval(const struct ruleset *rules, const struct packet *packet);

#endif
