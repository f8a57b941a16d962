/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_INTENT_H
#define PORTD_ENGINE_INTENT_H

#include "engine/policy.h"

/* Policies + site + "I am host X" with everything resolved: what this host must allow, each flow
 * with real prefixes and ports. Nothing in it points into policies or site: they may be freed. */

enum direction { DIRECTION_IN, DIRECTION_OUT, DIRECTION_MAX };
const char *direction_name(enum direction d); /* "in", "out" */

/* Who a selector means. */
struct party {
    const char *name;     /* of its address sets, without "_4" or "_6": "jtel-acd_ACD-LB", "any" */
    const char *selector; /* as the row says it */
    bool any;             /* every address; ranges are empty */
    bool is_hosts;        /* the site's own: a role, internal, host:NAME, … */
    bool has_self;        /* this host is one of them … */
    bool has_self_named;  /* … and not only because every address of a family is */
    bool is_self;         /* the selector "self": as the other end of a flow, nobody */
    bool is_unbound_peer; /* a peer that the site must bind and didn't */
    struct ranges ranges[FAMILY_MAX]; /* sorted, disjoint; merged unless all are single addresses */
    const char **hostnames;           /* and whatever addresses DNS gives for these: each once */
    size_t n_hostnames;
};

/* Why a flow opens nothing in a direction. */
enum flow_state {
    FLOW_ACTIVE,
    FLOW_FEATURE_OFF, /* .missing names the feature */
    FLOW_NOT_MINE,    /* this host is on the other end, or on none */
    FLOW_NO_PORT,     /* a port that the site has to name: .missing names it */
    FLOW_UNBOUND,     /* nobody is on the other end: .missing names the peer */
    FLOW_EMPTY,       /* roles on the other end have no host yet */
    FLOW_STATE_MAX,
};
const char *flow_state_name(enum flow_state s); /* "active", "feature-off", … */

struct intent_flow {
    const char *id; /* "jtel-acd/rest", "site/monitoring": unique */
    const char *product;
    const char *title, *ref, *note; /* ref and note: NULL when there is none */
    const char *file;               /* where the row stands */
    uint32_t line;
    struct service *services; /* resolved and sorted */
    size_t n_services;
    struct words unnamed; /* services whose port the site has to name: "tcp/$terminal-server" */
    struct words when, from_words, to_words; /* .node is NULL */
    struct party **from, **to;
    size_t n_from, n_to;
    bool broadcast;
    enum flow_state state[DIRECTION_MAX];
    const char *missing;              /* NULL, or the feature, port or peer */
    const char *audit[DIRECTION_MAX]; /* the word of the site that has it audited; NULL: none */
};

struct intent_host {
    const char *name;
    const char **roles; /* "jtel-acd/ACD-LB" */
    size_t n_roles;
    struct prefix *addresses; /* .node is NULL */
    size_t n_addresses;
    enum os os;
};

/* An address of a host of the site, this one included. */
struct intent_neighbour {
    enum family family;
    struct address address;
    const char *name;
    const char **roles; /* "jtel-acd/ACD-LB" */
    size_t n_roles;
};

struct intent_warning {
    const char *code; /* "peer-unbound", "no-management", … stable */
    const char *text;
    const char *hint; /* what to do */
};

struct intent {
    struct arena *arena;
    const char *site;
    struct intent_host self;
    enum mode modes[DIRECTION_MAX];
    enum deny denies[DIRECTION_MAX];
    const char **audited; /* the words of the site's "audit" that concern this host */
    size_t n_audited;
    bool seal;
    enum updates updates;
    bool is_mute; /* the kernel can't hand packets to programs: nothing is logged */
    struct intent_neighbour *neighbours; /* sorted */
    size_t n_neighbours;
    struct intent_flow *flows; /* every row of every product in use, active or not, file order */
    size_t n_flows;
    struct party **parties; /* each selector once */
    size_t n_parties;
    const char **hostnames; /* that this host's active flows need: sorted, each once */
    size_t n_hostnames;
    struct intent_warning *warnings;
    size_t n_warnings;
};

enum { RESOLVE_E_NO_HOST = 1 }; /* the report lists the hosts and what was looked for */

/* `names` are tried in order (--host, or the full and the short hostname). Policies and site
 * must have passed site_check(); a draft of either is -EINVAL, so that nothing of a file with
 * mistakes is ever enforced. The host-baseline policy, when among the policies, applies to
 * every host; other products apply when a host of the site has a role in them. */
int intent_resolve(const struct policy *const *policies, size_t n_policies, const struct site *site,
                   const char *const *names, size_t n_names, struct intent **ret,
                   struct report *reterr);
struct intent *intent_free(struct intent *i);
DEFINE_CLEANUP(struct intent *, intent_free);

/* Nobody can be in it, whatever DNS says. */
bool party_is_empty(const struct party *p);
/* By its own addresses; those of its host names are struct resolved's to know. */
bool party_contains(const struct party *p, enum family f, const struct address *a);
/* The parties on the other end: `from` of an ingress flow, `to` of an egress flow. */
struct party **flow_others(const struct intent_flow *f, enum direction d, size_t *ret_n);
/* NULL: no host of the site has this address for itself. */
const struct intent_neighbour *intent_neighbour_find(const struct intent *i, enum family f,
                                                     const struct address *a);
const struct intent_flow *intent_flow_find(const struct intent *i, const char *id);

#endif
