/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_CHANGES_H
#define PORTD_ENGINE_CHANGES_H

#include "engine/intent.h"

#include <jansson.h>

/* What one intent of a host opens that another of the same host doesn't: in the words of the rows,
 * and only where it makes a difference. A row that is renamed, or takes over what another had,
 * opens nothing. The tables are compared, whatever the modes make of them. */

struct flow_change {
    const struct intent_flow *flow; /* the row that opens it, or did */
    enum direction direction;
    struct service service;
    struct ranges ranges[FAMILY_MAX]; /* to whom, or whose */
    const char **hostnames;           /* and to whatever addresses DNS gives for these */
    size_t n_hostnames;
};

/* Borrows from both intents. */
struct changes {
    struct arena *arena;
    struct flow_change *opened, *closed;
    size_t n_opened, n_closed;
};

/* From `then` to `now`. 0 or -ENOMEM. */
int changes_find(const struct intent *then, const struct intent *now, struct changes **ret);
struct changes *changes_free(struct changes *c);
DEFINE_CLEANUP(struct changes *, changes_free);

/* A port, on this host for `in`, and the address on the other end. */
bool change_concerns(const struct flow_change *c, enum direction d, uint8_t protocol, uint16_t port,
                     enum family family, const struct address *other);

/* "tcp/8091 from 10.1.0.11, 10.1.0.12 and 3 more (jtel-acd/rest)", malloc'ed; NULL: no memory. */
char *change_text(const struct flow_change *c);
/* FlowChange of io.portd; NULL: no memory. */
json_t *changes_json(const struct flow_change *c, size_t n);

#endif
