/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each flow is held against all flows of the other end, because another row may open there what the
 * row itself does not. */
#include "engine/gaps.h"

#include "engine/jsonlist.h"
#include "engine/passage.h"

#include <errno.h>
#include <stdio.h>

#define HOSTS_LISTED 4U

/* The two ends of what is looked at: `open` has the flow, `other` may be closed. */
struct ends {
    enum direction direction; /* of the end that is open */
    const struct alike *open, *other;
    const struct alike_address *open_at, *other_at;
};

static const uint64_t *active(const struct alike *group, enum direction d) {
    return d == DIRECTION_IN ? group->in : group->out;
}

/* The flows that have an address as the other end's, for whoever looks in this direction. */
static const uint64_t *named(const struct alike_address *a, enum direction d) {
    return d == DIRECTION_IN ? a->from : a->to;
}

static enum direction opposite(enum direction d) {
    return d == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;
}

/* The first port from `lo` on that the other end doesn't open, and *hi, the last of that stretch;
 * false: all up to *hi are open. */
static bool closed_stretch(const struct gaps *g, const struct ends *e, uint8_t protocol,
                           uint32_t *lo, uint16_t *hi) {
    const struct intent *in = g->resolver.intent;
    enum direction d = opposite(e->direction);
    bool moved = true;

    while (moved && *lo <= *hi) {
        uint16_t end = *hi;

        moved = false;
        for (size_t i = 0; i < in->n_flows && !moved; i++) {
            const struct intent_flow *flow = &in->flows[i];

            if (!flows_have(active(e->other, d), i) || !flows_have(named(e->open_at, d), i))
                continue;
            for (size_t j = 0; j < flow->n_services && !moved; j++) {
                const struct service *s = &flow->services[j];

                if (s->protocol != protocol || s->hi < *lo || s->lo > *hi)
                    continue;
                moved = s->lo <= *lo;
                if (moved)
                    *lo = (uint32_t)s->hi + 1;
                else if (s->lo <= end)
                    end = s->lo - 1;
            }
        }
        if (!moved)
            *hi = end;
    }
    return *lo <= *hi;
}

static bool is_known(const struct gaps *g, const struct gap *gap) {
    for (size_t i = g->n; i > 0 && g->items[i - 1].flow == gap->flow; i--) {
        const struct gap *known = &g->items[i - 1];

        if (known->direction == gap->direction && known->from == gap->from &&
            known->to == gap->to && service_compare(&known->service, &gap->service) == 0)
            return true;
    }
    return false;
}

static int add(struct gaps *g, const struct intent_flow *flow, const struct ends *e,
               const struct service *s) {
    bool is_out = e->direction == DIRECTION_OUT;
    const struct gap gap = { .flow = flow,
                             .direction = e->direction,
                             .service = *s,
                             .from = is_out ? e->open : e->other,
                             .to = is_out ? e->other : e->open };
    struct gap *slot;

    if (is_known(g, &gap))
        return 0;
    slot = ARENA_APPEND(g->arena, g->items, g->n);
    if (!slot)
        return -ENOMEM;
    *slot = gap;
    return 0;
}

static int compare_services(struct gaps *g, const struct intent_flow *flow, const struct ends *e) {
    for (size_t i = 0; i < flow->n_services; i++) {
        struct service s = flow->services[i];
        uint32_t lo = s.lo;

        if (!family_carries(e->open_at->family, s.protocol))
            continue;
        for (; lo <= flow->services[i].hi; lo = (uint32_t)s.hi + 1) {
            s.hi = flow->services[i].hi;
            if (!closed_stretch(g, e, s.protocol, &lo, &s.hi))
                break;
            s.lo = (uint16_t)lo;
            if (add(g, flow, e, &s) < 0)
                return -ENOMEM;
        }
    }
    return 0;
}

/* A host of a group that asks itself is not meant. */
static int compare_groups(struct gaps *g, size_t at, struct ends *e) {
    const struct intent_flow *flow = &g->resolver.intent->flows[at];
    int r = 0;

    if (e->open == e->other && e->open->n_hosts == 1)
        return 0;
    for (size_t i = 0; i < e->open->n_addresses; i++)
        for (size_t j = 0; j < e->other->n_addresses && r == 0; j++) {
            e->open_at = &e->open->addresses[i];
            e->other_at = &e->other->addresses[j];
            if (e->open_at->family == e->other_at->family &&
                flows_have(named(e->other_at, e->direction), at))
                r = compare_services(g, flow, e);
        }
    return r;
}

static bool means_anybody(const struct intent_flow *flow, enum direction d) {
    size_t n;
    struct party **others = flow_others(flow, d, &n);

    for (size_t i = 0; i < n; i++)
        if (others[i]->any)
            return true;
    return false;
}

static int look(struct gaps *g, size_t at, enum direction d) {
    struct ends e = { .direction = d };
    int r = 0;

    if (means_anybody(&g->resolver.intent->flows[at], d))
        return 0;
    for (size_t i = 0; i < g->groups.n; i++) {
        e.open = &g->groups.items[i];
        for (size_t j = 0; j < g->groups.n && r == 0 && flows_have(active(e.open, d), at); j++) {
            e.other = &g->groups.items[j];
            r = compare_groups(g, at, &e);
        }
    }
    return r;
}

static int find(struct gaps *g) {
    int r = resolver_init(&g->resolver);

    if (r == 0)
        r = alikes_find(g->arena, &g->resolver, NULL, &g->groups);
    for (size_t i = 0; i < g->resolver.intent->n_flows && r == 0; i++)
        for (enum direction d = 0; d < DIRECTION_MAX && r == 0; d++)
            r = look(g, i, d);
    return r;
}

int gaps_find(const struct policy *const *policies, size_t n_policies, const struct site *site,
              struct gaps **ret) {
    _cleanup_(gaps_freep) struct gaps *g = calloc(1, sizeof(*g));
    int r;

    if (files_are_drafts(policies, n_policies, site))
        return -EINVAL;
    if (!g)
        return -ENOMEM;
    g->arena = arena_new();
    g->resolver.intent = g->arena ? arena_alloc(g->arena, sizeof(*g->resolver.intent)) : NULL;
    if (!g->resolver.intent)
        return -ENOMEM;
    g->resolver.intent->arena = g->arena;
    g->resolver.policies = policies;
    g->resolver.n_policies = n_policies;
    g->resolver.site = site;
    r = find(g);
    if (r == 0)
        *ret = TAKE_PTR(g);
    return r;
}

struct gaps *gaps_free(struct gaps *g) {
    if (g) {
        resolver_clear(&g->resolver);
        arena_free(g->arena);
        free(g);
    }
    return NULL;
}

/* --- telling --- */

static const char *host_name(const struct gaps *g, const struct alike *group, size_t i) {
    return g->resolver.site->hosts[group->hosts[i]].name;
}

static json_t *names_json(const struct gaps *g, const struct alike *group) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (size_t i = 0; i < group->n_hosts && r == 0; i++)
        r = json_array_append_new(array, json_string(host_name(g, group, i)));
    return json_whole(array, r);
}

static void write_names(FILE *f, const struct gaps *g, const struct alike *group) {
    for (size_t i = 0; i < group->n_hosts && i < HOSTS_LISTED; i++)
        fprintf(f, "%s%s", i ? ", " : "", host_name(g, group, i));
    if (group->n_hosts > HOSTS_LISTED)
        fprintf(f, " and %zu more", group->n_hosts - HOSTS_LISTED);
}

static char *gap_text(const struct gaps *g, const struct gap *gap) {
    bool is_out = gap->direction == DIRECTION_OUT;
    char service[SERVICE_TEXT_MAX], *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fprintf(f, "%s from ", service_format(&gap->service, service));
    write_names(f, g, gap->from);
    fputs(" to ", f);
    write_names(f, g, gap->to);
    fprintf(f, ": %s, %s (%s)", is_out ? "let out" : "let in",
            is_out ? "but not let in" : "but not let out", gap->flow->id);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static json_t *gap_json(const void *owner, size_t i) {
    const struct gaps *g = owner;
    const struct gap *gap = &g->items[i];
    _cleanup_(freep) char *text = gap_text(g, gap);
    char service[SERVICE_TEXT_MAX];

    if (!text)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:s}", "flow", gap->flow->id, "direction",
                     direction_name(gap->direction), "service",
                     service_format(&gap->service, service), "from", names_json(g, gap->from), "to",
                     names_json(g, gap->to), "text", text);
}

json_t *gaps_json(const struct gaps *g) {
    return json_list(g, g->n, gap_json);
}
