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

struct parties {
    struct arena *arena; /* the intent's */
    const struct policy *const *policies;
    size_t n_policies;
    const struct site *site;
    const struct host *self;
    struct party **items;
    size_t n;
    struct party_use *uses; /* what was asked for before */
    size_t n_uses;
};

/* `policy` is the table in which the selector stands, NULL for the site's own rows. 0 or -ENOMEM.
 */
int parties_get(struct parties *p, const struct policy *policy, const char *selector,
                struct party **ret);

#endif
