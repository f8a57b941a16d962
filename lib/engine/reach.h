/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_REACH_H
#define PORTD_ENGINE_REACH_H

#include "engine/alike.h"

/* Who may reach whom at a site, on what: host A reaches host B on a service when A's rules let it
 * out to an address of B's and B's rules let it in from an address of A's, of one family. It is
 * found from the intents of all hosts. What is told is what the tables open, also where the site
 * audits or is off and denies nothing. */

/* One end of a row: hosts, in groups of those that are alike, and parties outside the site. */
struct reach_end {
    size_t *groups; /* ascending */
    size_t n_groups;
    const struct party **parties;
    size_t n_parties;
};

/* Each of `from` reaches each of `to` on all services, but no party outside reaches another. Where
 * a host is on both ends it is not told of itself: it always reaches itself, over loopback. */
struct reach_row {
    const struct intent_flow *flow; /* that lets it in; to a party outside, out */
    struct reach_end from, to;
    struct service *services; /* sorted and joined */
    size_t n_services;
    const struct intent_flow **out; /* the flows that let it out, where `flow` itself does not */
    size_t n_out;
};

struct reach_query {
    const char *product;     /* its rows only: PRODUCT_SITE means the site's own; NULL: all */
    const struct host *host; /* what concerns it only; NULL: all hosts */
};

/* What a flow does at the site, whatever the query: FLOW_ACTIVE, or why it opens nothing. */
struct reach_state {
    enum flow_state state;
    const char *missing; /* NULL, or the feature, port or peer */
};

struct reach {
    struct arena *arena;
    struct reach_query query;
    struct resolver resolver; /* its policies and site are borrowed */
    struct alikes groups;
    struct reach_state *states; /* of each flow */
    struct reach_row *rows;     /* in the order of the flows */
    size_t n_rows;
};

/* Pairs of groups are looked at one by one, so their number is bounded: a site with more of them
 * can be asked host by host. */
#define REACH_GROUPS_MAX 2000U

/* Files as intent_resolve() wants them, checked and no drafts. 0, -ENOMEM, -EINVAL or
 * REACH_E_GROUPS: the site has more groups than REACH_GROUPS_MAX and no host was named. */
enum { REACH_E_GROUPS = 1 };
int reach_find(const struct policy *const *policies, size_t n_policies, const struct site *site,
               const struct reach_query *query, struct reach **ret);
struct reach *reach_free(struct reach *r);
DEFINE_CLEANUP(struct reach *, reach_free);

#endif
