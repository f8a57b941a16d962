/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A service of one side is cut where those of the other begin and end. Of such a piece every port
 * is opened by the same rows of the other side, and what is left of its addresses when theirs are
 * taken away is the difference. */
#include "engine/changes.h"

#include "engine/jsonlist.h"
#include "engine/passage.h"

#include <errno.h>
#include <stdio.h>

#define ADDRESSES_LISTED 4U

/* One side without another, into an array. */
struct without {
    struct arena *arena;
    const struct intent *other;
    struct flow_change *items;
    size_t n;
};

static bool ranges_equal(const struct ranges *a, const struct ranges *b) {
    return a->n == b->n && (a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0);
}

static bool parties_equal(const struct party *a, const struct party *b) {
    if (a->any != b->any || a->n_hostnames != b->n_hostnames)
        return false;
    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (!ranges_equal(&a->ranges[f], &b->ranges[f]))
            return false;
    for (size_t i = 0; i < a->n_hostnames; i++)
        if (strcmp(a->hostnames[i], b->hostnames[i]) != 0)
            return false;
    return true;
}

/* Mostly a row is as it was, and nothing needs to be cut. */
static bool flows_equal(const struct intent_flow *a, const struct intent_flow *b,
                        enum direction d) {
    size_t n_a, n_b;
    struct party **of_a = flow_others(a, d, &n_a), **of_b = flow_others(b, d, &n_b);

    if (a->state[d] != b->state[d] || a->broadcast != b->broadcast ||
        a->n_services != b->n_services || n_a != n_b)
        return false;
    for (size_t i = 0; i < a->n_services; i++)
        if (service_compare(&a->services[i], &b->services[i]) != 0)
            return false;
    for (size_t i = 0; i < n_a; i++)
        if (!parties_equal(of_a[i], of_b[i]))
            return false;
    return true;
}

/* --- whom a row means --- */

static int party_ranges(struct arena *a, const struct party *p, enum family f, struct ranges *ret) {
    struct range *all;

    *ret = p->ranges[f];
    if (!p->any)
        return 0;
    all = arena_alloc(a, sizeof(*all));
    if (!all)
        return -ENOMEM;
    *all = (struct range){ 0 };
    memset(all->hi.bytes, 0xff, family_size(f));
    *ret = (struct ranges){ .items = all, .n = 1 };
    return 0;
}

static int add_party(struct arena *a, struct flow_change *c, const struct party *p) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        struct ranges more;

        if (party_ranges(a, p, f, &more) < 0)
            return -ENOMEM;
        for (size_t i = 0; i < more.n; i++) {
            struct range *slot = ARENA_APPEND(a, c->ranges[f].items, c->ranges[f].n);

            if (!slot)
                return -ENOMEM;
            *slot = more.items[i];
        }
    }
    for (size_t i = 0; i < p->n_hostnames; i++) {
        const char **slot = ARENA_APPEND(a, c->hostnames, c->n_hostnames);

        if (!slot)
            return -ENOMEM;
        *slot = p->hostnames[i];
    }
    return 0;
}

/* All that a row opens in a direction, but for the service. */
static int whole(struct arena *a, const struct intent_flow *flow, enum direction d,
                 struct flow_change *ret) {
    size_t n;
    struct party **others = flow_others(flow, d, &n);
    struct flow_change c = { .flow = flow, .direction = d };

    for (size_t i = 0; i < n; i++)
        if (add_party(a, &c, others[i]) < 0)
            return -ENOMEM;
    for (enum family f = 0; f < FAMILY_MAX; f++)
        ranges_merge(&c.ranges[f], f);
    *ret = c;
    return 0;
}

/* --- taking away --- */

static void take_hostnames(struct flow_change *c, const struct party *p) {
    size_t n = 0;

    for (size_t i = 0; i < c->n_hostnames; i++) {
        bool found = p->any;

        for (size_t j = 0; j < p->n_hostnames && !found; j++)
            found = strcmp(c->hostnames[i], p->hostnames[j]) == 0;
        if (!found)
            c->hostnames[n++] = c->hostnames[i];
    }
    c->n_hostnames = n;
}

static int take_party(struct arena *a, struct flow_change *c, const struct party *p) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        struct ranges theirs;

        if (party_ranges(a, p, f, &theirs) < 0 ||
            ranges_subtract(a, &c->ranges[f], &theirs, f, &c->ranges[f]) < 0)
            return -ENOMEM;
    }
    take_hostnames(c, p);
    return 0;
}

static bool opens(const struct intent_flow *flow, enum direction d, const struct service *piece) {
    for (size_t i = 0; i < flow->n_services && flow->state[d] == FLOW_ACTIVE; i++)
        if (flow->services[i].protocol == piece->protocol && flow->services[i].lo <= piece->lo &&
            flow->services[i].hi >= piece->hi)
            return true;
    return false;
}

static int take_others(struct without *w, struct flow_change *c) {
    for (size_t i = 0; i < w->other->n_flows; i++) {
        const struct intent_flow *flow = &w->other->flows[i];
        struct party **others;
        size_t n;

        if (!opens(flow, c->direction, &c->service) || (c->flow->broadcast && !flow->broadcast))
            continue;
        others = flow_others(flow, c->direction, &n);
        for (size_t j = 0; j < n; j++)
            if (take_party(w->arena, c, others[j]) < 0)
                return -ENOMEM;
    }
    return 0;
}

/* --- pieces --- */

/* The last port of the piece that begins at `lo`. */
static uint16_t piece_end(const struct intent *other, enum direction d, const struct service *s,
                          uint16_t lo) {
    uint16_t hi = s->hi;

    for (size_t i = 0; i < other->n_flows; i++) {
        const struct intent_flow *flow = &other->flows[i];

        for (size_t j = 0; j < flow->n_services && flow->state[d] == FLOW_ACTIVE; j++) {
            const struct service *t = &flow->services[j];

            if (t->protocol != s->protocol || t->hi < lo)
                continue;
            if (t->lo > lo && t->lo <= hi)
                hi = t->lo - 1;
            else if (t->lo <= lo && t->hi < hi)
                hi = t->hi;
        }
    }
    return hi;
}

/* Whom a host reaches always is itself. */
static bool is_nobody(const struct intent_host *self, const struct flow_change *c) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        for (size_t i = 0; i < c->ranges[f].n; i++) {
            const struct range *r = &c->ranges[f].items[i];
            bool is_self = false;

            for (size_t j = 0; j < self->n_addresses && !is_self; j++)
                is_self = self->addresses[j].family == f &&
                          memcmp(&self->addresses[j].range, r, sizeof(*r)) == 0;
            if (!is_self)
                return false;
        }
    return c->n_hostnames == 0;
}

/* Pieces that stand together and mean the same are one again. */
static bool is_continued(const struct flow_change *c, const struct flow_change *by) {
    return c->flow == by->flow && c->direction == by->direction &&
           c->service.protocol == by->service.protocol && c->service.hi + 1 == by->service.lo &&
           ranges_equal(&c->ranges[FAMILY_IPV4], &by->ranges[FAMILY_IPV4]) &&
           ranges_equal(&c->ranges[FAMILY_IPV6], &by->ranges[FAMILY_IPV6]) &&
           c->n_hostnames == by->n_hostnames;
}

static int add(struct without *w, const struct flow_change *c) {
    struct flow_change *slot;

    if (is_nobody(&w->other->self, c))
        return 0;
    if (w->n > 0 && is_continued(&w->items[w->n - 1], c)) {
        w->items[w->n - 1].service.hi = c->service.hi;
        return 0;
    }
    slot = ARENA_APPEND(w->arena, w->items, w->n);
    if (!slot)
        return -ENOMEM;
    *slot = *c;
    return 0;
}

/* `all` has the service that is cut; its names are copied, because take_hostnames() moves them. */
static int add_piece(struct without *w, const struct flow_change *all, uint16_t lo, uint16_t hi) {
    struct flow_change c = *all;

    c.service.lo = lo;
    c.service.hi = hi;
    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (!family_carries(f, c.service.protocol))
            c.ranges[f].n = 0;
    c.hostnames = arena_alloc(w->arena, (all->n_hostnames + 1) * sizeof(*c.hostnames));
    if (!c.hostnames)
        return -ENOMEM;
    if (all->n_hostnames > 0)
        memcpy(c.hostnames, all->hostnames, all->n_hostnames * sizeof(*c.hostnames));
    if (take_others(w, &c) < 0)
        return -ENOMEM;
    return add(w, &c);
}

static int add_service(struct without *w, struct flow_change *all, const struct service *s) {
    uint32_t lo = s->lo;
    int r = 0;

    all->service = *s;
    while (lo <= s->hi && r == 0) {
        uint16_t hi = piece_end(w->other, all->direction, s, (uint16_t)lo);

        r = add_piece(w, all, (uint16_t)lo, hi);
        lo = (uint32_t)hi + 1;
    }
    return r;
}

static int add_flow(struct without *w, const struct intent_flow *flow, enum direction d) {
    const struct intent_flow *same = intent_flow_find(w->other, flow->id);
    struct flow_change all;
    int r;

    if (flow->state[d] != FLOW_ACTIVE || (same && flows_equal(flow, same, d)))
        return 0;
    r = whole(w->arena, flow, d, &all);
    for (size_t i = 0; i < flow->n_services && r == 0; i++)
        r = add_service(w, &all, &flow->services[i]);
    return r;
}

static int find(struct arena *arena, const struct intent *in, const struct intent *other,
                struct flow_change **ret, size_t *ret_n) {
    struct without w = { .arena = arena, .other = other };

    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++)
            if (add_flow(&w, &in->flows[i], d) < 0)
                return -ENOMEM;
    *ret = w.items;
    *ret_n = w.n;
    return 0;
}

int changes_find(const struct intent *then, const struct intent *now, struct changes **ret) {
    _cleanup_(changes_freep) struct changes *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->arena = arena_new();
    if (!c->arena || find(c->arena, now, then, &c->opened, &c->n_opened) < 0 ||
        find(c->arena, then, now, &c->closed, &c->n_closed) < 0)
        return -ENOMEM;
    *ret = TAKE_PTR(c);
    return 0;
}

struct changes *changes_free(struct changes *c) {
    if (!c)
        return NULL;
    arena_free(c->arena);
    free(c);
    return NULL;
}

bool change_concerns(const struct flow_change *c, enum direction d, uint8_t protocol, uint16_t port,
                     enum family family, const struct address *other) {
    return c->direction == d && c->service.protocol == protocol && c->service.lo <= port &&
           c->service.hi >= port && ranges_contain(&c->ranges[family], other);
}

/* --- telling --- */

static bool is_everybody(const struct flow_change *c) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        struct range all = { 0 };

        memset(all.hi.bytes, 0xff, family_size(f));
        if (family_carries(f, c->service.protocol) &&
            (c->ranges[f].n != 1 || memcmp(c->ranges[f].items, &all, sizeof(all)) != 0))
            return false;
    }
    return true;
}

static void write_others(const struct flow_change *c, FILE *f) {
    size_t n = c->n_hostnames, listed = 0;

    for (enum family family = 0; family < FAMILY_MAX; family++)
        n += c->ranges[family].n;
    for (size_t i = 0; i < c->n_hostnames && listed < ADDRESSES_LISTED; i++)
        fprintf(f, "%s%s", listed++ ? ", " : "", c->hostnames[i]);
    for (enum family family = 0; family < FAMILY_MAX; family++)
        for (size_t i = 0; i < c->ranges[family].n && listed < ADDRESSES_LISTED; i++) {
            char text[RANGE_TEXT_MAX];

            fprintf(f, "%s%s", listed++ ? ", " : "",
                    range_format(&c->ranges[family].items[i], family, text));
        }
    if (n > listed)
        fprintf(f, " and %zu more", n - listed);
}

char *change_text(const struct flow_change *c) {
    char service[SERVICE_TEXT_MAX], *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fprintf(f, "%s %s ", service_format(&c->service, service),
            c->direction == DIRECTION_IN ? "from" : "to");
    if (is_everybody(c))
        fputs("any", f);
    else
        write_others(c, f);
    fprintf(f, " (%s)", c->flow->id);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

static json_t *change_json(const struct flow_change *c) {
    _cleanup_(freep) char *text = change_text(c);
    char service[SERVICE_TEXT_MAX];

    if (!text)
        return NULL;
    return json_pack("{s:s, s:s, s:s, s:s}", "flow", c->flow->id, "direction",
                     direction_name(c->direction), "service", service_format(&c->service, service),
                     "text", text);
}

json_t *changes_json(const struct flow_change *c, size_t n) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (size_t i = 0; i < n && r == 0; i++)
        r = json_array_append_new(array, change_json(&c[i]));
    return json_whole(array, r);
}
