/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PARTY_H
#define PORTD_ENGINE_PARTY_H

#include "engine/intent.h"

/* Turns selectors into parties, each once: the half of intent_resolve() that knows who is who. */
struct party_use {
    const struct policy *policy;
    const char *selector;
    struct party *party;
};

/* A host that has a role. */
struct holder {
    const char *role; /* "product/ROLE" */
    const struct host *host;
};

struct parties {
    struct arena *arena; /* the intent's */
    const struct policy *const *policies;
    size_t n_policies;
    const struct site *site;
    struct party **items;
    size_t n;
    struct party_use *uses; /* what was asked for before */
    size_t n_uses;
    struct holder *holders; /* sorted by role: a role's hosts stand together */
    size_t n_holders;
};

/* Makes ready for a site; all but `arena`, `policies`, `n_policies` and `site` starts empty. 0 or
 * -ENOMEM. What parties_get() gave outlives parties_clear(). */
int parties_init(struct parties *p);
void parties_clear(struct parties *p);

/* `policy` is the table in which the selector stands, NULL for the site's own rows. 0 or -ENOMEM.
 */
int parties_get(struct parties *p, const struct policy *policy, const char *selector,
                struct party **ret);

/* Makes `self` the host that asks: of all parties got so far, whether it is in them, and whom
 * "self" means. 0 or -ENOMEM. */
int parties_aim(struct parties *p, const struct host *self);

#endif
