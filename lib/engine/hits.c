/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A counter that fell began anew, with the table or the machine: what it has by now are hits. One
 * that is seen for the first time may have counted long before: that is taken for a hit now, since
 * a flow is better thought in use than not. */
#include "engine/hits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FORMAT 1

void hits_clear(struct hits *h) {
    for (size_t i = 0; i < h->n; i++)
        free(h->items[i].counter);
    free(h->items);
    *h = (struct hits){ 0 };
}

static int by_counter(const void *left, const void *right) {
    const struct hit *a = left, *b = right;

    return strcmp(a->counter, b->counter);
}

static struct hit *find(struct hit *items, size_t n, char *counter) {
    const struct hit key = { .counter = counter };

    return n > 0 ? bsearch(&key, items, n, sizeof(key), by_counter) : NULL;
}

static char *counter_of(const struct intent_flow *f, enum direction d) {
    char *name = NULL;

    return asprintf(&name, "%s/%s", direction_name(d), f->id) < 0 ? NULL : name;
}

/* Takes `counter`. */
static struct hit *add(struct hits *h, char *counter) {
    struct hit *items = reallocarray(h->items, h->n + 1, sizeof(*items));

    if (!items) {
        free(counter);
        return NULL;
    }
    h->items = items;
    items[h->n] = (struct hit){ .counter = counter };
    return &items[h->n++];
}

/* Lets go of all that aren't open and, unless `all`, never were hit. */
static void forget_closed(struct hits *h, bool all) {
    size_t n = 0;

    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].since_usec || (!all && h->items[i].last_usec))
            h->items[n++] = h->items[i];
        else
            free(h->items[i].counter);
    h->n = n;
}

struct look {
    struct hits *hits;
    const struct ruleset *have;
    uint64_t now_usec;
    size_t n_known; /* of the hits, those that were there before: sorted */
    bool *is_open;  /* of these */
    bool is_other;
};

static int look_at(struct look *l, const struct intent_flow *f, enum direction d) {
    char *name = counter_of(f, d);
    const struct counter *c = name ? ruleset_counter(l->have, name) : NULL;
    uint64_t packets = c ? c->packets : 0;
    struct hit *hit;

    if (!name)
        return -ENOMEM;
    hit = find(l->hits->items, l->n_known, name);
    if (hit) {
        l->is_open[hit - l->hits->items] = true;
        free(name);
    } else if (l->hits->n >= HITS_MAX) {
        free(name);
        return 0;
    } else {
        hit = add(l->hits, name);
        if (!hit)
            return -ENOMEM;
    }
    l->is_other |= !hit->since_usec || hit->packets != packets;
    if (packets > 0 && packets != hit->packets)
        hit->last_usec = l->now_usec;
    if (!hit->since_usec)
        hit->since_usec = l->now_usec;
    hit->packets = packets;
    return 0;
}

static void close_others(struct look *l) {
    for (size_t i = 0; i < l->n_known; i++) {
        if (l->is_open[i] || !l->hits->items[i].since_usec)
            continue;
        l->hits->items[i].since_usec = 0;
        l->hits->items[i].packets = 0;
        l->is_other = true;
    }
}

static size_t count_open(const struct intent *in) {
    size_t n = 0;

    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++)
            n += in->flows[i].state[d] == FLOW_ACTIVE;
    return n;
}

int hits_take(struct hits *h, const struct intent *in, const struct ruleset *have,
              uint64_t now_usec) {
    _cleanup_(freep) bool *is_open = NULL;
    struct look l = { .hits = h, .have = have, .now_usec = now_usec };
    int r = 0;

    if (h->n + count_open(in) > HITS_MAX)
        forget_closed(h, true);
    l.n_known = h->n;
    l.is_open = is_open = calloc(h->n + 1, sizeof(*is_open));
    if (!is_open)
        return -ENOMEM;
    for (size_t i = 0; r == 0 && i < in->n_flows; i++)
        for (enum direction d = 0; r == 0 && d < DIRECTION_MAX; d++)
            if (in->flows[i].state[d] == FLOW_ACTIVE)
                r = look_at(&l, &in->flows[i], d);
    if (r == 0)
        close_others(&l);
    forget_closed(h, false);
    if (h->n > 0)
        qsort(h->items, h->n, sizeof(*h->items), by_counter);
    return r < 0 ? r : l.is_other;
}

bool hits_of(const struct hits *h, const struct intent_flow *f, uint64_t *ret_last_usec,
             uint64_t *ret_since_usec) {
    uint64_t last = 0, since = 0;

    for (enum direction d = 0; d < DIRECTION_MAX; d++) {
        _cleanup_(freep) char *name = f->state[d] == FLOW_ACTIVE ? counter_of(f, d) : NULL;
        const struct hit *hit = name ? find(h->items, h->n, name) : NULL;

        if (!hit)
            continue;
        last = hit->last_usec > last ? hit->last_usec : last;
        since = hit->since_usec > since ? hit->since_usec : since;
    }
    if (since == 0)
        return false;
    *ret_last_usec = last;
    *ret_since_usec = since;
    return true;
}

/* --- the file --- */

json_t *hits_json(const struct hits *h, uint64_t uptime_usec) {
    json_t *flows = json_object();

    for (size_t i = 0; flows && i < h->n; i++) {
        const struct hit *hit = &h->items[i];

        if (json_object_set_new(flows, hit->counter,
                                json_pack("{s:I, s:I, s:I}", "packets", (json_int_t)hit->packets,
                                          "last_usec", (json_int_t)hit->last_usec, "since_usec",
                                          (json_int_t)hit->since_usec)) < 0) {
            json_decref(flows);
            return NULL;
        }
    }
    return flows ? json_pack("{s:i, s:I, s:o}", "format", FORMAT, "uptime_usec",
                             (json_int_t)uptime_usec, "flows", flows)
                 : NULL;
}

static int hit_parse(struct hits *h, const char *counter, json_t *saved) {
    json_int_t packets, last, since;
    struct hit *hit;
    char *name;

    if (json_unpack(saved, "{s:I, s:I, s:I}", "packets", &packets, "last_usec", &last, "since_usec",
                    &since) < 0 ||
        packets < 0 || last < 0 || since < 0)
        return HITS_E_INVALID;
    name = strdup(counter);
    hit = name ? add(h, name) : NULL;
    if (!hit)
        return -ENOMEM;
    hit->packets = (uint64_t)packets;
    hit->last_usec = (uint64_t)last;
    hit->since_usec = (uint64_t)since;
    return 0;
}

int hits_parse(const json_t *saved, uint64_t uptime_usec, struct hits *ret) {
    json_t *flows = json_object_get(saved, "flows"), *value;
    json_int_t uptime = json_integer_value(json_object_get(saved, "uptime_usec"));
    const char *counter;
    struct hits h = { 0 };
    int r = 0;

    if (json_integer_value(json_object_get(saved, "format")) != FORMAT || uptime <= 0 ||
        !json_is_object(flows) || json_object_size(flows) > HITS_MAX)
        return HITS_E_INVALID;
    json_object_foreach(flows, counter, value) {
        r = hit_parse(&h, counter, value);
        if (r != 0)
            break;
    }
    if (r != 0) {
        hits_clear(&h);
        return r;
    }
    for (size_t i = 0; (uint64_t)uptime > uptime_usec && i < h.n; i++)
        h.items[i].packets = 0;
    if (h.n > 0)
        qsort(h.items, h.n, sizeof(*h.items), by_counter);
    hits_clear(ret);
    *ret = h;
    return 0;
}
