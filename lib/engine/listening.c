/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flow is met by its port and by the families that its other end can speak: the rules ask for no
 * address of this host, so whichever a socket is bound to, it is open. */
#include "engine/listening.h"

#include "engine/jsonlist.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *const state_names[] = {
    [LISTENING_SERVED] = "served",
    [LISTENING_NOBODY] = "nobody-listens",
    [LISTENING_UNOPENED] = "not-in-policy",
    [LISTENING_DROPPED] = "dropped-by-others",
};
static_assert(ARRAY_SIZE(state_names) == LISTENING_STATE_MAX, "a state has no name");

const char *listening_state_name(enum listening_state s) {
    return state_names[s];
}

/* --- the listeners --- */

static int by_number(uint64_t a, uint64_t b) {
    return a < b ? -1 : a > b;
}

static int by_place(const void *left, const void *right) {
    const struct listener *a = left, *b = right;
    int c = by_number(a->protocol, b->protocol);

    c = c ? c : by_number(a->port, b->port);
    c = c ? c : by_number(b->takes_both, a->takes_both);
    c = c ? c : by_number(a->family, b->family);
    c = c ? c : address_compare(&a->address, &b->address);
    c = c ? c : by_number(a->cgroup, b->cgroup);
    return c ? c : by_number(a->uid, b->uid);
}

/* Several sockets of one program share a port (SO_REUSEPORT of socket(7)). */
static void listeners_sort(struct listeners *l) {
    size_t n = 0;

    if (l->n > 0)
        qsort(l->items, l->n, sizeof(*l->items), by_place);
    for (size_t i = 0; i < l->n; i++)
        if (n == 0 || by_place(&l->items[n - 1], &l->items[i]) != 0)
            l->items[n++] = l->items[i];
    l->n = n;
}

/* The first of the service's protocol whose port isn't below it. */
static size_t listeners_from(const struct listeners *l, const struct service *s) {
    size_t lo = 0, hi = l->n;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;
        const struct listener *m = &l->items[middle];

        if (m->protocol < s->protocol || (m->protocol == s->protocol && m->port < s->lo))
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static bool is_of(const struct listener *l, const struct service *s) {
    return l->protocol == s->protocol && l->port >= s->lo && l->port <= s->hi;
}

/* --- the flows --- */

static bool has_listeners(const struct service *s) {
    return s->protocol == PROTOCOL_TCP || s->protocol == PROTOCOL_UDP;
}

/* Whether the other end can be of this family. */
static bool is_asked_in(const struct intent_flow *flow, enum family f) {
    for (size_t i = 0; i < flow->n_from; i++)
        if (flow->from[i]->any || flow->from[i]->n_hostnames > 0 || flow->from[i]->ranges[f].n > 0)
            return true;
    return false;
}

static bool can_be_reached(const struct listener *l, const struct intent_flow *flow) {
    return is_asked_in(flow, l->family) || (l->takes_both && is_asked_in(flow, FAMILY_IPV4));
}

static const struct finding *finding_of(const struct audit *audit, enum finding_code code,
                                        const struct intent_flow *flow, const struct service *s) {
    for (size_t i = 0; audit && i < audit->n_findings; i++) {
        const struct finding *f = &audit->findings[i];

        if (f->code != code)
            continue;
        for (size_t j = 0; j < f->n_services; j++)
            if (strcmp(f->services[j].flow, flow->id) == 0 &&
                service_compare(&f->services[j].service, s) == 0)
                return f;
    }
    return NULL;
}

struct search {
    struct listening found;
    const struct listeners *listeners;
    const struct audit *audit;
    bool *is_open; /* of each listener */
};

static int row_add(struct search *s, const struct listening_row *row) {
    struct listening *to = &s->found;

    if ((to->n & (to->n - 1)) == 0) { /* full at each power of two */
        void *grown = reallocarray(to->items, to->n ? to->n * 2 : 1, sizeof(*to->items));

        if (!grown)
            return -ENOMEM;
        to->items = grown;
    }
    to->items[to->n++] = *row;
    return 0;
}

static struct service service_of(const struct listener *l) {
    return (struct service){ .protocol = l->protocol, .lo = l->port, .hi = l->port };
}

static int add_listeners(struct search *s, const struct intent_flow *flow,
                         const struct service *service, const struct finding *drops) {
    int r = 0;

    for (size_t i = listeners_from(s->listeners, service);
         r == 0 && i < s->listeners->n && is_of(&s->listeners->items[i], service); i++) {
        const struct listener *l = &s->listeners->items[i];
        const struct listening_row row = {
            .state = drops ? LISTENING_DROPPED : LISTENING_SERVED,
            .flow = flow,
            .service = service_of(l),
            .by = l,
            .finding = drops,
        };

        if (!can_be_reached(l, flow))
            continue;
        s->is_open[i] = true;
        r = row_add(s, &row);
    }
    return r;
}

/* What is published is sent on before a socket of this host could have it. */
static int add_service(struct search *s, const struct intent_flow *flow,
                       const struct service *service) {
    const struct finding *drops = finding_of(s->audit, FINDING_DENIES, flow, service);
    const struct finding *published = finding_of(s->audit, FINDING_PUBLISHED, flow, service);
    struct listening_row row = { .flow = flow, .service = *service };
    size_t n = s->found.n;
    int r = add_listeners(s, flow, service, drops);

    if (r < 0 || (s->found.n > n && !published))
        return r;
    row.state = !published ? LISTENING_NOBODY : drops ? LISTENING_DROPPED : LISTENING_SERVED;
    row.finding = !published ? NULL : drops ? drops : published;
    return row_add(s, &row);
}

static int add_flow(struct search *s, const struct intent_flow *flow) {
    int r = 0;

    if (flow->state[DIRECTION_IN] != FLOW_ACTIVE)
        return 0;
    for (size_t i = 0; r == 0 && i < flow->n_services; i++)
        if (has_listeners(&flow->services[i]))
            r = add_service(s, flow, &flow->services[i]);
    return r;
}

static int add_unopened(struct search *s, size_t i) {
    const struct listener *l = &s->listeners->items[i];
    const struct listening_row row = { .state = LISTENING_UNOPENED,
                                       .service = service_of(l),
                                       .by = l };

    return s->is_open[i] ? 0 : row_add(s, &row);
}

int listening_find(const struct intent *in, struct listeners *listeners, const struct audit *audit,
                   struct listening *ret) {
    struct search s = { .listeners = listeners, .audit = audit };
    _cleanup_(freep) bool *is_open = NULL;
    int r = 0;

    listeners_sort(listeners);
    is_open = s.is_open = calloc(listeners->n + 1, sizeof(*is_open));
    if (!is_open)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < in->n_flows; i++)
        r = add_flow(&s, &in->flows[i]);
    for (size_t i = 0; r == 0 && i < listeners->n; i++)
        r = add_unopened(&s, i);
    if (r < 0)
        listening_clear(&s.found);
    else
        *ret = s.found;
    return r;
}

void listening_clear(struct listening *l) {
    free(l->items);
    *l = (struct listening){ 0 };
}

/* --- as JSON --- */

static int set_listener(json_t *o, const struct listener *l) {
    char text[RANGE_TEXT_MAX];
    int r = json_object_set_new(
        o, "address",
        json_string(l->takes_both ? "*" : address_format(&l->address, l->family, text)));

    if (l->unit[0])
        r |= json_object_set_new(o, "unit", json_string(l->unit));
    return r | json_object_set_new(o, "uid", json_integer(l->uid));
}

static int set_finding(json_t *o, const struct finding *f) {
    char handle[32] = "";

    if (f->handle)
        snprintf(handle, sizeof(handle), " handle %" PRIu64, f->handle);
    return json_object_set_new(o, f->code == FINDING_PUBLISHED ? "published_by" : "dropped_by",
                               json_sprintf("%s %s %s%s", f->family, f->table, f->chain, handle));
}

static int set_flow(json_t *o, const struct intent_flow *f, const struct ruleset *have) {
    _cleanup_(freep) char *name = NULL;
    const struct counter *c;
    int r = json_object_set_new(o, "flow", json_string(f->id));

    if (asprintf(&name, "%s/%s", direction_name(DIRECTION_IN), f->id) < 0) {
        name = NULL;
        return -1;
    }
    c = ruleset_counter(have, name);
    if (c)
        r |= json_object_set_new(o, "packets", json_integer((json_int_t)c->packets));
    return r;
}

struct told {
    const struct listening *listening;
    const struct ruleset *have;
};

static json_t *row_json(const void *owner, size_t i) {
    const struct told *t = owner;
    const struct listening_row *row = &t->listening->items[i];
    char service[SERVICE_TEXT_MAX];
    json_t *o = json_pack("{s:s, s:s}", "state", listening_state_name(row->state), "service",
                          service_format(&row->service, service));
    int r = 0;

    if (!o)
        return NULL;
    if (row->flow)
        r |= set_flow(o, row->flow, t->have);
    if (row->by)
        r |= set_listener(o, row->by);
    if (row->finding)
        r |= set_finding(o, row->finding);
    return json_whole(o, r);
}

json_t *listening_json(const struct listening *l, const struct ruleset *have) {
    return json_list(&(struct told){ l, have }, l->n, row_json);
}
