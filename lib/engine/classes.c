/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sweep over the ends of all port ranges: between two ends the set of open flows is constant.
 * Pieces with the same flows are then brought together by sorting, so that the work is that of
 * two sorts and not of comparing every range with every other. */
#include "engine/classes.h"

#include <errno.h>

/* A flow begins to open ports here, or has ceased to. */
struct edge {
    uint8_t protocol;
    uint32_t port; /* one behind the last for an end: 65536 is possible */
    bool begins;
    size_t flow;
};

struct piece {
    struct service service;
    size_t *flows; /* sorted indexes into the intent's flows */
    size_t n_flows;
};

struct sweep {
    struct arena *arena;
    struct edge *edges;
    size_t n_edges;
    struct piece *pieces;
    size_t n_pieces;
    size_t *open; /* sorted; a flow stands here once for each of its services that is open */
    size_t n_open;
};

static int edge_compare(const void *a, const void *b) {
    const struct edge *x = a, *y = b;

    if (x->protocol != y->protocol)
        return x->protocol < y->protocol ? -1 : 1;
    return (x->port > y->port) - (x->port < y->port);
}

static int edges_add(struct sweep *s, const struct intent *in, enum direction d) {
    for (size_t i = 0; i < in->n_flows; i++) {
        const struct intent_flow *f = &in->flows[i];

        if (f->state[d] != FLOW_ACTIVE && !f->audit[d])
            continue;
        for (size_t j = 0; j < f->n_services; j++) {
            const struct service *sv = &f->services[j];

            if (!protocol_has_ports(sv->protocol))
                continue;
            for (int ends = 0; ends < 2; ends++) {
                struct edge *e = ARENA_APPEND(s->arena, s->edges, s->n_edges);

                if (!e)
                    return -ENOMEM;
                *e = (struct edge){ sv->protocol, ends ? sv->hi + 1U : sv->lo, !ends, i };
            }
        }
    }
    if (s->n_edges)
        qsort(s->edges, s->n_edges, sizeof(*s->edges), edge_compare);
    return 0;
}

static int open_change(struct sweep *s, const struct edge *e) {
    size_t at = 0;

    while (at < s->n_open && s->open[at] < e->flow)
        at++;
    if (!e->begins) {
        memmove(s->open + at, s->open + at + 1, (s->n_open - at - 1) * sizeof(*s->open));
        s->n_open--;
        return 0;
    }
    if (!ARENA_APPEND(s->arena, s->open, s->n_open))
        return -ENOMEM;
    memmove(s->open + at + 1, s->open + at, (s->n_open - at - 1) * sizeof(*s->open));
    s->open[at] = e->flow;
    return 0;
}

static int piece_add(struct sweep *s, uint8_t protocol, uint32_t lo, uint32_t hi) {
    struct piece *p = ARENA_APPEND(s->arena, s->pieces, s->n_pieces);

    if (!p)
        return -ENOMEM;
    p->service = (struct service){ protocol, (uint16_t)lo, (uint16_t)hi };
    p->flows = arena_alloc(s->arena, s->n_open * sizeof(*p->flows));
    if (!p->flows)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_open; i++)
        if (i == 0 || s->open[i] != s->open[i - 1])
            p->flows[p->n_flows++] = s->open[i];
    return 0;
}

static int pieces_cut(struct sweep *s) {
    for (size_t i = 0; i < s->n_edges; i++) {
        const struct edge *e = &s->edges[i], *next = e + 1;
        int r = open_change(s, e);

        if (r < 0)
            return r;
        if (s->n_open == 0 || edge_compare(e, next) == 0)
            continue;
        r = piece_add(s, e->protocol, e->port, next->port - 1);
        if (r < 0)
            return r;
    }
    return 0;
}

static int flows_compare(const struct piece *a, const struct piece *b) {
    size_t n = a->n_flows < b->n_flows ? a->n_flows : b->n_flows;

    for (size_t i = 0; i < n; i++)
        if (a->flows[i] != b->flows[i])
            return a->flows[i] < b->flows[i] ? -1 : 1;
    return (a->n_flows > b->n_flows) - (a->n_flows < b->n_flows);
}

static int piece_compare(const void *a, const void *b) {
    const struct piece *x = a, *y = b;
    int r = flows_compare(x, y);

    return r ? r : service_compare(&x->service, &y->service);
}

static int class_add_service(struct arena *a, struct port_class *c, const struct service *add) {
    struct service *last = c->n_services ? &c->services[c->n_services - 1] : NULL;

    if (last && last->protocol == add->protocol && last->hi + 1U == add->lo) {
        last->hi = add->hi;
        return 0;
    }
    last = ARENA_APPEND(a, c->services, c->n_services);
    if (!last)
        return -ENOMEM;
    *last = *add;
    return 0;
}

static int class_new(struct arena *a, const struct intent *in, const struct piece *p,
                     struct port_classes *to) {
    struct port_class *c = ARENA_APPEND(a, to->items, to->n);

    if (!c)
        return -ENOMEM;
    c->n_flows = p->n_flows;
    c->flows = arena_alloc(a, p->n_flows * sizeof(const struct intent_flow *));
    if (!c->flows)
        return -ENOMEM;
    for (size_t i = 0; i < p->n_flows; i++)
        c->flows[i] = &in->flows[p->flows[i]];
    return 0;
}

static int class_compare(const void *a, const void *b) {
    const struct port_class *x = a, *y = b;

    return service_compare(&x->services[0], &y->services[0]);
}

static int classes_join(struct sweep *s, const struct intent *in, struct port_classes *ret) {
    if (s->n_pieces)
        qsort(s->pieces, s->n_pieces, sizeof(*s->pieces), piece_compare);
    for (size_t i = 0; i < s->n_pieces; i++) {
        int r;

        if (i == 0 || flows_compare(&s->pieces[i - 1], &s->pieces[i]) != 0) {
            r = class_new(s->arena, in, &s->pieces[i], ret);
            if (r < 0)
                return r;
        }
        r = class_add_service(s->arena, &ret->items[ret->n - 1], &s->pieces[i].service);
        if (r < 0)
            return r;
    }
    if (ret->n)
        qsort(ret->items, ret->n, sizeof(*ret->items), class_compare);
    return 0;
}

int port_classes_make(struct arena *a, const struct intent *in, enum direction d,
                      struct port_classes *ret) {
    struct sweep s = { .arena = a };
    struct port_classes made = { 0 };
    int r;

    r = edges_add(&s, in, d);
    if (r < 0)
        return r;
    r = pieces_cut(&s);
    if (r < 0)
        return r;
    r = classes_join(&s, in, &made);
    if (r < 0)
        return r;
    *ret = made;
    return 0;
}
