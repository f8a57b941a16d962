/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_RESOLVE_H
#define PORTD_ENGINE_RESOLVE_H

#include "engine/party.h"

/* Policies + site, resolved for every host at once: the half of intent_resolve() that is the same
 * for all of them, and what turns it to one. */
struct resolver {
    const struct policy *const *policies;
    size_t n_policies;
    const struct site *site;
    struct intent *intent; /* its arena takes the memory; .flows and their parties are filled */
    struct parties parties;
};

/* `rs` comes with all but `parties`; files as intent_resolve() wants them. 0 or -ENOMEM. */
int resolver_init(struct resolver *rs);
void resolver_clear(struct resolver *rs);

/* Makes `self` the host whose intent it is: in all parties and in the states of all flows. As often
 * as you like; what differs between hosts is written over. 0 or -ENOMEM. */
int resolver_aim(struct resolver *rs, const struct host *self);

/* Whether some of the files were loaded with mistakes. */
bool files_are_drafts(const struct policy *const *policies, size_t n, const struct site *site);

/* What the site says of a product, else what its policy does. */
bool site_feature_is_on(const struct site *site, const struct policy *policy, const char *name);
uint16_t site_port_number(const struct site *site, const struct policy *policy, const char *name);
/* Whether a product applies: a host has a role in it, or the site names it. */
bool site_uses_product(const struct site *site, const char *product);

#endif
