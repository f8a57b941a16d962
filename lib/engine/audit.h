/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_AUDIT_H
#define PORTD_ENGINE_AUDIT_H

#include "engine/foreign.h"
#include "engine/intent.h"

#include <jansson.h>

/* What goes around our rules: what others do to packets that a flow of this host opens, before or
 * behind our chains. Each flow is sent past their base chains as a packet with as much of its
 * header as the flow fixes; a rule holds for all such packets, for none, for some, or for who knows
 * which when it has conditions that portd can't read. */

enum finding_code {
    FINDING_DENIES,      /* drops or rejects what a flow opens */
    FINDING_REDIRECTS,   /* changes addresses or ports of a flow's packets, or takes them in */
    FINDING_QUEUES,      /* leaves it to a program whether a flow's packets pass */
    FINDING_UNTRACKED,   /* keeps a flow's packets out of connection tracking */
    FINDING_PUBLISHED,   /* sends a port elsewhere (dnat), so that it meets our forward chain */
    FINDING_FLOWTABLE,   /* forwarded packets that meet no rule any more */
    FINDING_LEGACY,      /* a table of the older iptables */
    FINDING_OTHER_PORTD, /* another portd's table */
    FINDING_HOSTILE,     /* a table of portd's name that a socket of somebody else owns */
    FINDING_MAX,
};
const char *finding_code_name(enum finding_code c); /* "denies", …: stable */

/* A service that a flow opens towards this host. */
struct finding_service {
    const char *flow;
    struct service service;
};

struct finding {
    enum finding_code code;
    const char *family, *table, *chain; /* NULL where it is about none */
    uint64_t handle;                    /* of the rule; 0: none, or the chain's policy */
    bool is_certain;                    /* else conditions that portd can't read may prevent it */
    bool is_enforced;                   /* the policy holds there all the same: nothing is wrong */
    const char **flows;                 /* by id, in the intent's order */
    size_t n_flows;
    struct finding_service *services; /* of those that are opened towards this host */
    size_t n_services;
    const char *text; /* what it means */
    const char *hint; /* what to type or to do */
};

struct audit {
    struct arena *arena;
    struct finding *findings;
    size_t n_findings;
    const char **blind; /* what could not be judged, a sentence each */
    size_t n_blind;
};

#define FINDINGS_MAX 1000U

/* `own_table`: ours, of family inet. Nothing in *ret points into intent or foreign.
 * 0 or -ENOMEM. */
int audit_run(const struct intent *in, const struct foreign *foreign, const char *own_table,
              struct audit **ret);
/* Those that the policy doesn't hold for. */
size_t audit_n_open(const struct audit *a);
struct audit *audit_free(struct audit *a);
DEFINE_CLEANUP(struct audit *, audit_free);

/* The reply of Audit: { findings, blind }. */
json_t *audit_json(const struct audit *a);

#endif
