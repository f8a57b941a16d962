/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sitetable.h"

#include "engine/flow.h"
#include "engine/jsonlist.h"
#include "engine/picture.h"
#include "engine/tableparts.h"

#include <errno.h>
#include <string.h>

struct writer {
    struct reach *reach;
    const struct policy *policy; /* NULL: of the site's own rows */
};

/* --- parties --- */

#define PREFIXES_TOLD 16U /* of one party; a reader is told how many more there are */

/* "10.9.0.0/24, my.mailstore.com": whose addresses a party has. */
static const char *party_addresses(struct arena *a, const struct party *p) {
    const char *text = "";
    size_t n = 0;

    for (enum family f = 0; f < FAMILY_MAX; f++)
        for (size_t i = 0; text && i < p->ranges[f].n; i++, n++) {
            char buf[RANGE_TEXT_MAX];

            if (n < PREFIXES_TOLD)
                text = arena_printf(a, "%s%s%s", text, n ? ", " : "",
                                    range_format(&p->ranges[f].items[i], f, buf));
        }
    if (text && n > PREFIXES_TOLD)
        text = arena_printf(a, "%s and %zu more", text, n - PREFIXES_TOLD);
    for (size_t i = 0; text && i < p->n_hostnames; i++)
        text = arena_printf(a, "%s%s%s", text, n + i ? ", " : "", p->hostnames[i]);
    return text;
}

const char *party_text(struct arena *a, const struct party *p) {
    const char *addresses;

    if (p->any)
        return "any";
    if (selector_kind(p->selector) == SELECTOR_PREFIX)
        return p->selector;
    addresses = party_addresses(a, p);
    return addresses ? arena_printf(a, "%s (%s)", p->selector, addresses) : NULL;
}

static const char *party_who(struct arena *a, const struct party *p) {
    if (p->any)
        return "any address";
    if (p->is_unbound_peer)
        return "nobody: the site does not say who";
    return party_is_empty(p) ? "nobody" : party_addresses(a, p);
}

static bool party_has_host(const struct party *p, const struct host *h) {
    return party_contains(p, h->addresses.items[0].family, &h->addresses.items[0].range.lo);
}

static json_t *hosts_of(const struct site *site, const struct party *p) {
    json_t *names = json_array();
    int r = names ? 0 : -ENOMEM;

    for (size_t i = 0; i < site->n_hosts && r == 0; i++)
        if (party_has_host(p, &site->hosts[i]))
            r = json_array_append_new(names, json_string(site->hosts[i].name));
    if (r == 0 && json_array_size(names) == 0)
        r = json_array_append_new(names, json_string("no host"));
    return json_whole(names, r);
}

/* Of a group of hosts how many it has, of other ends who they are. */
static json_t *end_who(const char *selector, void *userdata) {
    struct writer *w = userdata;
    struct reach *r = w->reach;
    bool is_word = selector_kind(selector) == SELECTOR_WORD;
    struct party *p;
    json_t *names;

    if (strcmp(selector, "any") == 0 ||
        parties_get(&r->resolver.parties, w->policy, selector, &p) < 0 || p->is_self)
        return NULL;
    if (!p->is_hosts)
        return selector_kind(selector) == SELECTOR_PREFIX
                   ? NULL
                   : json_pack("[s]", party_who(r->arena, p));
    if (selector_kind(selector) == SELECTOR_HOST)
        return NULL;
    names = hosts_of(r->resolver.site, p);
    if (names && is_word) {
        size_t n = json_array_size(names);

        json_decref(names);
        return json_pack("[s]", n == 1 ? "1 host" : arena_printf(r->arena, "%zu hosts", n));
    }
    return names;
}

/* --- rows --- */

static const char *state_text(struct arena *a, const struct reach_state *s) {
    switch (s->state) {
    case FLOW_ACTIVE:
        return "open";
    case FLOW_FEATURE_OFF:
        return arena_printf(a, "closed: the feature %s is off", s->missing);
    case FLOW_NO_PORT:
        return arena_printf(a, "closed: the site does not name the port %s", s->missing);
    case FLOW_UNBOUND:
        return arena_printf(a, "closed: the site does not say who %s is", s->missing);
    case FLOW_EMPTY:
    case FLOW_NOT_MINE:
    case FLOW_STATE_MAX:
        break;
    }
    return "closed: no host is on one of its ends";
}

static json_t *services_json(const struct intent_flow *f) {
    json_t *services = json_list_words(&f->unnamed);
    char buf[SERVICE_TEXT_MAX];
    int r = services ? 0 : -ENOMEM;

    for (size_t i = 0; i < f->n_services && r == 0; i++)
        r = json_array_insert_new(services, i, json_string(service_format(&f->services[i], buf)));
    return json_whole(services, r);
}

static json_t *row_json(const struct writer *w, const struct intent_flow *f,
                        const struct reach_state *state) {
    const char *text = state_text(w->reach->arena, state);
    json_t *row;

    if (!text)
        return NULL;
    row = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s}", "product", f->product,
                    "flow", f->id + strlen(f->product) + 1, "from", json_list_words(&f->from_words),
                    "to", json_list_words(&f->to_words), "services", services_json(f), "when",
                    json_list_words(&f->when), "title", f->title, "note", f->note ? f->note : "",
                    "ref", f->ref ? f->ref : "", "state", text);
    if (row && f->broadcast)
        return json_whole(row, json_object_set_new(row, "broadcast", json_true()));
    return row;
}

/* The selectors that mean somebody here. */
static int words_open(const struct writer *w, const struct words *from, struct words *to) {
    struct arena *a = w->reach->arena;

    for (size_t i = 0; i < from->n; i++) {
        struct party *p;
        struct word *word;
        int r = parties_get(&w->reach->resolver.parties, w->policy, from->items[i].text, &p);

        if (r < 0)
            return r;
        if (!p->is_self && party_is_empty(p))
            continue;
        word = ARENA_APPEND(a, to->items, to->n);
        if (!word)
            return -ENOMEM;
        *word = from->items[i];
    }
    return 0;
}

static int picture_add_flow(const struct writer *w, const struct intent_flow *f,
                            struct picture *picture) {
    static const struct words none;
    struct words *ends = arena_alloc(w->reach->arena, 2 * sizeof(*ends));
    struct picture_row row;
    int r = ends ? words_open(w, &f->from_words, &ends[0]) : -ENOMEM;

    if (r == 0)
        r = words_open(w, &f->to_words, &ends[1]);
    if (r < 0)
        return r;
    row = (struct picture_row){ .id = f->id + strlen(f->product) + 1,
                                .from = &ends[0],
                                .to = &ends[1],
                                .when = &none,
                                .services = f->services,
                                .n_services = f->n_services,
                                .unnamed = &none };
    return picture_add(picture, &row);
}

/* Whether it is about the host that is asked about. */
static bool is_wanted(const struct reach *r, const struct intent_flow *f) {
    for (size_t i = 0; r->query.host && i < r->n_rows; i++)
        if (r->rows[i].flow == f)
            return true;
    return !r->query.host;
}

static int rows_add(const struct writer *w, json_t *rows, struct picture *picture) {
    const struct reach *reach = w->reach;
    const struct intent *in = reach->resolver.intent;
    const char *product = w->policy ? w->policy->product : PRODUCT_SITE;
    int r = 0;

    for (size_t i = 0; i < in->n_flows && r == 0; i++) {
        const struct intent_flow *f = &in->flows[i];

        if (strcmp(f->product, product) != 0 || !is_wanted(reach, f))
            continue;
        r = json_array_append_new(rows, row_json(w, f, &reach->states[i]));
        if (r == 0 && reach->states[i].state == FLOW_ACTIVE)
            r = picture_add_flow(w, f, picture);
    }
    return r;
}

/* --- the table --- */

static int peer_add(const struct writer *w, json_t *peers, const char *name, const char *title) {
    struct party *p;
    const char *who;

    if (parties_get(&w->reach->resolver.parties, w->policy, name, &p) < 0)
        return -ENOMEM;
    who = party_who(w->reach->arena, p);
    return who ? json_array_append_new(
                     peers, json_pack("{s:s, s:s, s:s}", "peer", name, "title", title, "who", who))
               : -ENOMEM;
}

static json_t *bound_peers_json(const struct writer *w) {
    json_t *peers = json_array();
    int r = peers ? 0 : -ENOMEM;

    for (size_t i = 0; w->policy && i < w->policy->n_peers && r == 0; i++)
        r = peer_add(w, peers, w->policy->peers[i].name, w->policy->peers[i].title);
    if (r == 0 && w->policy && strcmp(w->policy->product, PRODUCT_BASELINE) == 0)
        r = peer_add(w, peers, "management", "Management networks of the site");
    return json_whole(peers, r);
}

static json_t *heading_json(const struct writer *w) {
    const struct site *site = w->reach->resolver.site;
    const struct policy *p = w->policy;

    if (p)
        return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "product", p->product, "title", p->title,
                         "source", p->source, "notes", json_list_words(&p->notes), "features",
                         features_json(p, site), "ports", ports_json(p, site));
    return json_pack("{s:s, s:s, s:s, s:[], s:[], s:[]}", "product", PRODUCT_SITE, "title",
                     "The site's own rows", "source", site->file, "notes", "features", "ports");
}

json_t *site_table_json(struct reach *r, const struct policy *policy) {
    struct writer w = { r, policy };
    _cleanup_(picture_freep) struct picture *picture =
        picture_new(policy, r->resolver.policies, r->resolver.n_policies);
    json_t *table = heading_json(&w), *rows = json_array(), *more;
    int result = picture && table && rows ? rows_add(&w, rows, picture) : -ENOMEM;

    more = json_pack("{s:o, s:o, s:o}", "rows", rows, "peers", bound_peers_json(&w), "picture",
                     result == 0 ? picture_json(picture, end_who, &w) : NULL);
    if (result == 0)
        result = more ? json_object_update(table, more) : -ENOMEM;
    json_decref(more);
    return json_whole(table, result);
}
