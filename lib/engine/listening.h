/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_LISTENING_H
#define PORTD_ENGINE_LISTENING_H

#include "engine/audit.h"
#include "engine/intent.h"
#include "engine/ruleset.h"

#include <jansson.h>

/* Three truths side by side: what the policy opens, what listens on this host, and what others
 * drop before it gets there. */

#define LISTENER_UNIT_MAX 128

/* A socket that anybody who reaches this host may ask: one that listens, or of UDP one that is
 * bound and not connected. Host order. */
struct listener {
    uint8_t protocol; /* PROTOCOL_TCP, PROTOCOL_UDP */
    uint16_t port;
    enum family family;
    struct address address; /* zero: every one of the family */
    bool takes_both;        /* every IPv6 address, and every IPv4 one */
    uint32_t uid;
    uint64_t cgroup;              /* id; 0: unknown */
    char unit[LISTENER_UNIT_MAX]; /* of systemd; "": unknown. Fit to be shown */
};

struct listeners {
    struct listener *items;
    size_t n;
};

enum listening_state {
    LISTENING_SERVED,
    LISTENING_NOBODY,   /* the policy opens it, and nobody is there */
    LISTENING_UNOPENED, /* somebody is there, and the policy doesn't open it */
    LISTENING_DROPPED,  /* both, and others drop it */
    LISTENING_STATE_MAX,
};
const char *listening_state_name(enum listening_state s); /* "served", "nobody-listens", … */

struct listening_row {
    enum listening_state state;
    const struct intent_flow *flow; /* NULL: LISTENING_UNOPENED */
    struct service service;         /* the listener's, or, without one, the flow's */
    const struct listener *by;      /* NULL: LISTENING_NOBODY, or a published port */
    const struct finding *finding;  /* who drops it, or publishes the port; NULL: none */
};

struct listening {
    struct listening_row *items;
    size_t n;
};

/* The TCP and UDP services that this host opens towards itself in the order of the flows, each with
 * all who listen; then what else listens, by port. A published port is served by whom it is sent
 * to. `audit` may be NULL. Sorts the listeners and leaves each once; *ret borrows from all of them.
 * 0 or -ENOMEM. */
int listening_find(const struct intent *in, struct listeners *listeners, const struct audit *audit,
                   struct listening *ret);
void listening_clear(struct listening *l);

/* []Listening; `have` gives the counters. */
json_t *listening_json(const struct listening *l, const struct ruleset *have);

#endif
