/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_GAPS_H
#define PORTD_ENGINE_GAPS_H

#include "engine/alike.h"

#include <jansson.h>

/* Where one host of a site lets out what another doesn't let in, or lets in what the other doesn't
 * let out. Rows that mean everybody ("any") are left out: they mean no host in particular. */
struct gap {
    const struct intent_flow *flow; /* that is open on one end */
    enum direction direction;       /* which: "out" is the end that asks */
    struct service service;
    const struct alike *from, *to; /* hosts that every flow treats alike */
};

struct gaps {
    struct arena *arena;
    struct resolver resolver; /* its policies and site are borrowed */
    struct alikes groups;
    struct gap *items; /* in the order of the flows */
    size_t n;
};

/* Files as intent_resolve() wants them, checked and no drafts. 0, -ENOMEM or -EINVAL. */
int gaps_find(const struct policy *const *policies, size_t n_policies, const struct site *site,
              struct gaps **ret);
struct gaps *gaps_free(struct gaps *g);
DEFINE_CLEANUP(struct gaps *, gaps_free);

/* [{ flow, direction, service, from, to, text }], from and to with the names of hosts; NULL: no
 * memory. */
json_t *gaps_json(const struct gaps *g);

#endif
