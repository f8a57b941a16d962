/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For each flow the pairs are found of who asks and who is asked: groups of hosts, and parties
 * outside. Then those who may ask the same are put into one row, so that a row of the vendor's
 * table mostly stays one row, whatever the number of hosts. */
#include "engine/reach.h"

#include "engine/passage.h"

#include <errno.h>

/* Who asks and who is asked: a group, or behind the groups a party outside. */
struct pair {
    uint32_t passage, asks, asked;
};

struct finder {
    struct reach *reach;
    const struct alike *apart; /* the group of the host that is asked about; NULL: all */
    /* of the flow that is looked at: */
    struct arena *scratch;
    size_t flow;
    uint64_t *overlaps;           /* the flows that share a service with it */
    const struct party **outside; /* those that ask, then those that are asked */
    size_t n_outside;
    struct passage_build build; /* of the pair in hand */
    struct passage *passages;
    size_t n_passages;
    struct pair *pairs;
    size_t n_pairs;
};

static const struct intent *intent_of(const struct finder *f) {
    return f->reach->resolver.intent;
}

/* --- what passes --- */

/* Flows that let the asking end out to an address, for what the flow in hand lets in there. */
static int passage_add_others(struct finder *f, const struct alike *asks,
                              const struct alike_address *to) {
    const struct intent *in = intent_of(f);

    for (size_t i = 0; i < in->n_flows; i++) {
        int r;

        if (i % 64 == 0 && !(asks->out[i / 64] & to->to[i / 64] & f->overlaps[i / 64])) {
            i += 63;
            continue;
        }
        if (i == f->flow || !flows_have(asks->out, i) || !flows_have(to->to, i))
            continue;
        r = passage_add(&f->build, &in->flows[f->flow], &in->flows[i], to->family);
        if (r > 0)
            r = passage_add_out(&f->build, &in->flows[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

/* What passes from one group of hosts to another in the flow that is looked at: what the flow opens
 * on both ends, then what another flow opens on the end that asks. */
static int passage_between(struct finder *f, const struct alike *asks, const struct alike *asked,
                           bool by_others) {
    const struct intent *in = intent_of(f);
    const struct intent_flow *flow = &in->flows[f->flow];
    int r = 0;

    for (size_t i = 0; i < asks->n_addresses; i++)
        for (size_t j = 0; j < asked->n_addresses && r >= 0; j++) {
            const struct alike_address *a = &asks->addresses[i], *b = &asked->addresses[j];

            if (a->family != b->family || !flows_have(a->from, f->flow))
                continue;
            if (by_others)
                r = passage_add_others(f, asks, b);
            else if (flows_have(asks->out, f->flow) && flows_have(b->to, f->flow))
                r = passage_add(&f->build, flow, flow, a->family);
        }
    return r < 0 ? r : 0;
}

/* A party outside has addresses of a family, or may have. */
static bool party_has_family(const struct party *p, enum family f) {
    return p->any || p->n_hostnames > 0 || p->ranges[f].n > 0;
}

static int passage_outside(struct finder *f, const struct party *party, const struct alike *group) {
    const struct intent_flow *flow = &intent_of(f)->flows[f->flow];
    int r = 0;

    for (size_t i = 0; i < group->n_addresses && r >= 0; i++)
        if (party_has_family(party, group->addresses[i].family))
            r = passage_add(&f->build, flow, flow, group->addresses[i].family);
    return r < 0 ? r : 0;
}

/* --- pairs --- */

/* A pair between which passes what was put together. */
static int pair_add(struct finder *f, size_t asks, size_t asked) {
    const struct passage *p = &f->build.passage;
    struct pair *pair;
    size_t n = 0;

    if (p->n_services == 0)
        return 0;
    passage_end(&f->build);
    while (n < f->n_passages && !passage_equals(&f->passages[n], p))
        n++;
    if (n == f->n_passages) {
        struct passage *one = ARENA_APPEND(f->scratch, f->passages, f->n_passages);

        if (!one || passage_copy(f->scratch, p, one) < 0)
            return -ENOMEM;
    }
    pair = ARENA_APPEND(f->scratch, f->pairs, f->n_pairs);
    if (!pair)
        return -ENOMEM;
    *pair = (struct pair){ (uint32_t)n, (uint32_t)asks, (uint32_t)asked };
    return 0;
}

static bool is_asked_for(const struct finder *f, const struct alike *asks,
                         const struct alike *asked) {
    return !f->apart || asks == f->apart || asked == f->apart;
}

static int pair_of_hosts(struct finder *f, size_t asks, size_t asked) {
    const struct alike *from = &f->reach->groups.items[asks], *to = &f->reach->groups.items[asked];
    int r;

    if (!is_asked_for(f, from, to))
        return 0;
    passage_begin(&f->build);
    r = passage_between(f, from, to, false);
    if (r == 0)
        r = passage_between(f, from, to, true);
    return r < 0 ? r : pair_add(f, asks, asked);
}

static int pairs_of_hosts(struct finder *f) {
    const struct alikes *groups = &f->reach->groups;
    size_t *asked = arena_alloc(f->scratch, groups->n * sizeof(*asked)), n = 0;
    int r = asked ? 0 : -ENOMEM;

    for (size_t i = 0; i < groups->n && r == 0; i++)
        if (flows_have(groups->items[i].in, f->flow))
            asked[n++] = i;
    for (size_t i = 0; i < groups->n; i++)
        for (size_t j = 0; j < n && r == 0; j++)
            r = pair_of_hosts(f, i, asked[j]);
    return r;
}

static int pairs_of_outside(struct finder *f, const struct party *party, bool asks) {
    const struct alikes *groups = &f->reach->groups;
    size_t outside = groups->n + f->n_outside;
    const struct party **slot;
    int r = 0;

    if (party->is_hosts || party->is_self || party_is_empty(party))
        return 0;
    slot = ARENA_APPEND(f->scratch, f->outside, f->n_outside);
    if (!slot)
        return -ENOMEM;
    *slot = party;
    for (size_t i = 0; i < groups->n && r == 0; i++) {
        const struct alike *group = &groups->items[i];

        if (!flows_have(asks ? group->in : group->out, f->flow) || !is_asked_for(f, group, group))
            continue;
        passage_begin(&f->build);
        r = passage_outside(f, party, group);
        if (r == 0)
            r = pair_add(f, asks ? outside : i, asks ? i : outside);
    }
    return r;
}

/* --- rows --- */

/* The pairs of one that asks, with one passage. */
struct slice {
    const struct pair *pairs;
    size_t n;
};

static int pair_compare(const void *x, const void *y) {
    const struct pair *a = x, *b = y;

    if (a->passage != b->passage)
        return a->passage < b->passage ? -1 : 1;
    if (a->asks != b->asks)
        return a->asks < b->asks ? -1 : 1;
    return (a->asked > b->asked) - (a->asked < b->asked);
}

/* Those that may ask the same in the same passage are equal. */
static int slice_compare_asked(const struct slice *a, const struct slice *b) {
    if (a->pairs->passage != b->pairs->passage)
        return a->pairs->passage < b->pairs->passage ? -1 : 1;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (size_t i = 0; i < a->n; i++)
        if (a->pairs[i].asked != b->pairs[i].asked)
            return a->pairs[i].asked < b->pairs[i].asked ? -1 : 1;
    return 0;
}

static int slice_compare(const void *x, const void *y) {
    const struct slice *a = x, *b = y;
    int c = slice_compare_asked(a, b);

    return c ? c : (a->pairs->asks > b->pairs->asks) - (a->pairs->asks < b->pairs->asks);
}

static int end_add(const struct finder *f, struct reach_end *end, size_t member) {
    struct arena *a = f->reach->arena;
    size_t n_groups = f->reach->groups.n;

    if (member < n_groups) {
        size_t *group = ARENA_APPEND(a, end->groups, end->n_groups);

        if (group)
            *group = member;
        return group ? 0 : -ENOMEM;
    }
    const struct party **party = ARENA_APPEND(a, end->parties, end->n_parties);

    if (party)
        *party = f->outside[member - n_groups];
    return party ? 0 : -ENOMEM;
}

/* A host alone that asks itself alone. */
static bool is_idle(const struct finder *f, const struct slice *slices, size_t n) {
    const struct pair *pair = slices->pairs;

    return n == 1 && slices->n == 1 && pair->asks == pair->asked &&
           f->reach->groups.items[pair->asks].n_hosts == 1;
}

static int row_add(struct finder *f, const struct slice *slices, size_t n) {
    struct reach *reach = f->reach;
    struct reach_row *row = ARENA_APPEND(reach->arena, reach->rows, reach->n_rows);
    struct passage p;
    int r = row ? passage_copy(reach->arena, &f->passages[slices->pairs->passage], &p) : -ENOMEM;

    if (r < 0)
        return r;
    *row = (struct reach_row){ .flow = &intent_of(f)->flows[f->flow],
                               .services = p.services,
                               .n_services = p.n_services,
                               .out = p.out,
                               .n_out = p.n_out };
    for (size_t i = 0; i < n && r == 0; i++)
        r = end_add(f, &row->from, slices[i].pairs->asks);
    for (size_t i = 0; i < slices->n && r == 0; i++)
        r = end_add(f, &row->to, slices->pairs[i].asked);
    return r;
}

static int rows_add(struct finder *f) {
    struct slice *slices = NULL;
    size_t n = 0;
    int r = 0;

    if (f->n_pairs > 0)
        qsort(f->pairs, f->n_pairs, sizeof(*f->pairs), pair_compare);
    for (size_t i = 0; i < f->n_pairs; i++) {
        const struct pair *pair = &f->pairs[i];
        bool begins = i == 0 || pair->passage != pair[-1].passage || pair->asks != pair[-1].asks;
        struct slice *slice = begins ? ARENA_APPEND(f->scratch, slices, n) : &slices[n - 1];

        if (!slice)
            return -ENOMEM;
        if (begins)
            slice->pairs = pair;
        slice->n++;
    }
    if (n > 0)
        qsort(slices, n, sizeof(*slices), slice_compare);
    for (size_t i = 0, same; i < n && r == 0; i += same) {
        same = 1;
        while (i + same < n && slice_compare_asked(&slices[i], &slices[i + same]) == 0)
            same++;
        r = is_idle(f, &slices[i], same) ? 0 : row_add(f, &slices[i], same);
    }
    return r;
}

/* --- flows --- */

static int overlaps_find(struct finder *f) {
    const struct intent *in = intent_of(f);

    f->overlaps = arena_alloc(f->scratch, (in->n_flows / 64 + 1) * sizeof(*f->overlaps));
    if (!f->overlaps)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_flows; i++) {
        int r = 0;

        passage_begin(&f->build);
        for (enum family family = 0; family < FAMILY_MAX && r == 0; family++)
            r = passage_add(&f->build, &in->flows[f->flow], &in->flows[i], family);
        if (r < 0)
            return r;
        if (r > 0)
            f->overlaps[i / 64] |= UINT64_C(1) << (i % 64);
    }
    return 0;
}

static int flow_rows(struct finder *f) {
    const struct intent_flow *flow = &intent_of(f)->flows[f->flow];
    int r = overlaps_find(f);

    if (r == 0)
        r = pairs_of_hosts(f);
    for (size_t i = 0; i < flow->n_from && r == 0; i++)
        r = pairs_of_outside(f, flow->from[i], true);
    for (size_t i = 0; i < flow->n_to && r == 0; i++)
        r = pairs_of_outside(f, flow->to[i], false);
    return r < 0 ? r : rows_add(f);
}

static int flow_find(struct reach *reach, const struct alike *apart, size_t flow) {
    _cleanup_(arena_freep) struct arena *scratch = arena_new();
    struct finder f = { .reach = reach, .apart = apart, .scratch = scratch, .flow = flow };
    int r = scratch ? flow_rows(&f) : -ENOMEM;

    passage_clear(&f.build);
    return r;
}

static int rows_find(struct reach *reach) {
    const struct reach_query *query = &reach->query;
    const struct intent *in = reach->resolver.intent;
    const struct alikes *groups = &reach->groups;
    const struct alike *apart = NULL;
    int r = 0;

    if (query->host)
        apart = &groups->items[groups->of_host[query->host - reach->resolver.site->hosts]];
    if (!apart && groups->n > REACH_GROUPS_MAX)
        return REACH_E_GROUPS;
    for (size_t i = 0; i < in->n_flows && r == 0; i++)
        if (!query->product || strcmp(in->flows[i].product, query->product) == 0)
            r = flow_find(reach, apart, i);
    return r;
}

/* --- states --- */

/* How much a state says of a row that opens nothing: what hosts of the site are told is their own
 * comes before what others are. */
static unsigned state_weight(enum flow_state s) {
    switch (s) {
    case FLOW_ACTIVE:
        return 5;
    case FLOW_FEATURE_OFF:
        return 4;
    case FLOW_NO_PORT:
        return 3;
    case FLOW_UNBOUND:
        return 2;
    case FLOW_EMPTY:
        return 1;
    case FLOW_NOT_MINE:
    case FLOW_STATE_MAX:
        break;
    }
    return 0;
}

static void states_add(struct reach *reach) {
    const struct intent *in = reach->resolver.intent;

    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            struct reach_state *best = &reach->states[i];
            enum flow_state state = in->flows[i].state[d];

            if (state_weight(state) > state_weight(best->state))
                *best = (struct reach_state){ state, in->flows[i].missing };
        }
}

static int states_find(struct reach *reach) {
    const struct intent *in = reach->resolver.intent;
    int r = 0;

    reach->states = arena_alloc(reach->arena, in->n_flows * sizeof(*reach->states));
    if (!reach->states)
        return -ENOMEM;
    for (size_t i = 0; i < in->n_flows; i++)
        reach->states[i].state = FLOW_NOT_MINE;
    for (size_t i = 0; i < reach->resolver.site->n_hosts && r == 0; i++) {
        r = resolver_aim(&reach->resolver, &reach->resolver.site->hosts[i]);
        if (r == 0)
            states_add(reach);
    }
    return r;
}

static int reach_new(struct reach **ret) {
    _cleanup_(reach_freep) struct reach *reach = calloc(1, sizeof(*reach));

    if (!reach)
        return -ENOMEM;
    reach->arena = arena_new();
    if (!reach->arena)
        return -ENOMEM;
    reach->resolver.intent = arena_alloc(reach->arena, sizeof(*reach->resolver.intent));
    if (!reach->resolver.intent)
        return -ENOMEM;
    reach->resolver.intent->arena = reach->arena;
    *ret = TAKE_PTR(reach);
    return 0;
}

int reach_find(const struct policy *const *policies, size_t n_policies, const struct site *site,
               const struct reach_query *query, struct reach **ret) {
    _cleanup_(reach_freep) struct reach *reach = NULL;
    int r;

    if (files_are_drafts(policies, n_policies, site))
        return -EINVAL;
    r = reach_new(&reach);
    if (r < 0)
        return r;
    reach->query = *query;
    reach->resolver.policies = policies;
    reach->resolver.n_policies = n_policies;
    reach->resolver.site = site;
    r = resolver_init(&reach->resolver);
    if (r == 0)
        r = alikes_find(reach->arena, &reach->resolver, query->host, &reach->groups);
    if (r == 0)
        r = states_find(reach);
    if (r == 0)
        r = rows_find(reach);
    if (r != 0)
        return r;
    *ret = TAKE_PTR(reach);
    return 0;
}

struct reach *reach_free(struct reach *r) {
    if (r) {
        resolver_clear(&r->resolver);
        arena_free(r->arena);
        free(r);
    }
    return NULL;
}
