/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each row of each product in use is made once, for the site; which end of it a host is on is
 * found anew for each host that asks. */
#include "engine/resolve.h"

#include "engine/audited.h"

#include <errno.h>

static const struct site_product *product_find(const struct site *site, const char *product) {
    for (size_t i = 0; i < site->n_products; i++)
        if (strcmp(site->products[i].name.text, product) == 0)
            return &site->products[i];
    return NULL;
}

bool site_feature_is_on(const struct site *site, const struct policy *policy, const char *name) {
    const struct site_product *sp = product_find(site, policy->product);

    for (size_t i = 0; sp && i < sp->n_features; i++)
        if (strcmp(sp->features[i].name.text, name) == 0)
            return sp->features[i].on;
    for (size_t i = 0; i < policy->n_features; i++)
        if (strcmp(policy->features[i].name, name) == 0)
            return policy->features[i].default_on;
    return false;
}

uint16_t site_port_number(const struct site *site, const struct policy *policy, const char *name) {
    const struct site_product *sp = product_find(site, policy->product);

    for (size_t i = 0; sp && i < sp->n_ports; i++)
        if (strcmp(sp->ports[i].name.text, name) == 0)
            return sp->ports[i].number;
    for (size_t i = 0; i < policy->n_ports; i++)
        if (strcmp(policy->ports[i].name, name) == 0)
            return policy->ports[i].number;
    return 0;
}

/* "feature" of the row's own product, or "product/feature" in a site's own row. */
static bool condition_holds(const struct resolver *rs, const struct policy *policy,
                            const char *text) {
    const char *slash = strchr(text, '/');

    if (policy)
        return site_feature_is_on(rs->site, policy, text);
    for (size_t i = 0; slash && i < rs->n_policies; i++) {
        const char *product = rs->policies[i]->product;

        if (strlen(product) == (size_t)(slash - text) &&
            strncmp(product, text, strlen(product)) == 0)
            return site_feature_is_on(rs->site, rs->policies[i], slash + 1);
    }
    return false;
}

static int service_compare_void(const void *a, const void *b) {
    return service_compare(a, b);
}

static int unnamed_add(struct arena *a, const struct service_spec *spec, struct intent_flow *f) {
    bool both = spec->n_protocols > 1;
    struct word *w = ARENA_APPEND(a, f->unnamed.items, f->unnamed.n);

    if (!w)
        return -ENOMEM;
    w->text = arena_printf(a, "%s%s%s/$%s", protocol_name(spec->protocols[0]), both ? "+" : "",
                           both ? protocol_name(spec->protocols[1]) : "", spec->port_name);
    return w->text ? 0 : -ENOMEM;
}

static int flow_services(const struct resolver *rs, const struct policy *policy,
                         const struct flow *from, struct intent_flow *f) {
    struct arena *a = rs->intent->arena;

    for (size_t i = 0; i < from->n_services; i++) {
        const struct service_spec *spec = &from->services[i].spec;
        uint16_t lo = spec->lo, hi = spec->hi;

        if (spec->port_name && policy)
            lo = hi = site_port_number(rs->site, policy, spec->port_name);
        if (spec->port_name && lo == 0) {
            int r = unnamed_add(a, spec, f);

            if (r < 0)
                return r;
            continue;
        }
        for (size_t j = 0; j < spec->n_protocols; j++) {
            struct service *s = ARENA_APPEND(a, f->services, f->n_services);

            if (!s)
                return -ENOMEM;
            *s = (struct service){ spec->protocols[j], lo, hi };
        }
    }
    if (f->n_services > 0)
        qsort(f->services, f->n_services, sizeof(*f->services), service_compare_void);
    return 0;
}

static int words_copy(struct arena *a, const struct words *from, struct words *to) {
    for (size_t i = 0; i < from->n; i++) {
        struct word *w = ARENA_APPEND(a, to->items, to->n);

        if (!w)
            return -ENOMEM;
        w->text = arena_strdup(a, from->items[i].text);
        if (!w->text)
            return -ENOMEM;
    }
    return 0;
}

static int flow_parties(struct resolver *rs, const struct policy *policy, const struct words *words,
                        struct party ***ret, size_t *ret_n) {
    for (size_t i = 0; i < words->n; i++) {
        struct party *p;
        struct party **slot;
        bool known = false;
        int r = parties_get(&rs->parties, policy, words->items[i].text, &p);

        if (r < 0)
            return r;
        for (size_t j = 0; j < *ret_n; j++)
            known = known || (*ret)[j] == p;
        if (known)
            continue;
        slot = ARENA_APPEND(rs->intent->arena, *ret, *ret_n);
        if (!slot)
            return -ENOMEM;
        *slot = p;
    }
    return 0;
}

static bool host_is_of(const struct host *h, const char *product) {
    size_t n = strlen(product);

    for (size_t i = 0; i < h->roles.n; i++)
        if (strncmp(h->roles.items[i].text, product, n) == 0 && h->roles.items[i].text[n] == '/')
            return true;
    return false;
}

/* `any` that asks is each host of the product, and no other host of the site: what a product may
 * go out to is no business of a machine that has nothing of it. */
static bool asks_as_any(const struct host *self, const struct intent_flow *f) {
    return strcmp(f->product, PRODUCT_SITE) == 0 || strcmp(f->product, PRODUCT_BASELINE) == 0 ||
           host_is_of(self, f->product);
}

/* Ingress asks whether this host is in `to`: a party of every address makes nobody a server, be
 * it called any or 0.0.0.0/0. */
static bool flow_is_mine(const struct intent_flow *f, enum direction d, bool as_any) {
    if (d == DIRECTION_OUT) {
        for (size_t i = 0; i < f->n_from; i++)
            if (as_any ? f->from[i]->has_self : f->from[i]->has_self_named)
                return true;
        return false;
    }
    for (size_t i = 0; i < f->n_to; i++)
        if (f->to[i]->has_self_named)
            return true;
    return false;
}

static enum flow_state flow_state_get(struct intent_flow *f, enum direction d, bool as_any) {
    bool is_other = false;
    const char *unbound = NULL;
    struct party **others;
    size_t n;

    if (!flow_is_mine(f, d, as_any))
        return FLOW_NOT_MINE;
    if (f->unnamed.n > 0) {
        f->missing = strchr(f->unnamed.items[0].text, '$') + 1;
        return FLOW_NO_PORT;
    }
    others = flow_others(f, d, &n);
    for (size_t i = 0; i < n; i++) {
        if (others[i]->is_self)
            continue;
        is_other = true;
        if (!party_is_empty(others[i]))
            return FLOW_ACTIVE;
        if (others[i]->is_unbound_peer)
            unbound = others[i]->selector;
    }
    if (unbound)
        f->missing = unbound;
    return !is_other ? FLOW_NOT_MINE : unbound ? FLOW_UNBOUND : FLOW_EMPTY;
}

/* What a feature that is off closes is closed for every host. */
static void flow_condition(const struct resolver *rs, const struct policy *policy,
                           struct intent_flow *f) {
    for (size_t i = 0; i < f->when.n; i++)
        if (!condition_holds(rs, policy, f->when.items[i].text)) {
            f->missing = f->when.items[i].text;
            for (enum direction d = 0; d < DIRECTION_MAX; d++)
                f->state[d] = FLOW_FEATURE_OFF;
            return;
        }
}

static void flow_aim(struct intent_flow *f, const struct host *self) {
    if (f->state[DIRECTION_IN] == FLOW_FEATURE_OFF)
        return;
    f->missing = NULL;
    for (enum direction d = 0; d < DIRECTION_MAX; d++)
        f->state[d] = flow_state_get(f, d, asks_as_any(self, f));
}

static const char *copy_or_null(struct arena *a, const char *text, int *r) {
    const char *copy = text ? arena_strdup(a, text) : NULL;

    if (text && !copy)
        *r = -ENOMEM;
    return copy;
}

static int flow_texts(struct arena *a, const struct flow *from, const char *product,
                      struct intent_flow *f) {
    int r = 0;

    f->product = copy_or_null(a, product, &r);
    f->id = arena_printf(a, "%s/%s", product, from->id);
    f->title = copy_or_null(a, from->title, &r);
    f->ref = copy_or_null(a, from->ref, &r);
    f->note = copy_or_null(a, from->note, &r);
    f->file = copy_or_null(a, from->node ? from->node->file : "", &r);
    f->line = from->node ? from->node->line : 0;
    f->broadcast = from->broadcast;
    return r < 0 || !f->id ? -ENOMEM : 0;
}

static int resolve_flow(struct resolver *rs, const struct policy *policy, const struct flow *from) {
    struct intent *in = rs->intent;
    struct intent_flow *f = ARENA_APPEND(in->arena, in->flows, in->n_flows);
    int r;

    if (!f)
        return -ENOMEM;
    r = flow_texts(in->arena, from, policy ? policy->product : PRODUCT_SITE, f);
    if (r < 0)
        return r;
    r = words_copy(in->arena, &from->when, &f->when);
    if (r < 0)
        return r;
    r = words_copy(in->arena, &from->from, &f->from_words);
    if (r < 0)
        return r;
    r = words_copy(in->arena, &from->to, &f->to_words);
    if (r < 0)
        return r;
    r = flow_services(rs, policy, from, f);
    if (r < 0)
        return r;
    r = flow_parties(rs, policy, &from->from, &f->from, &f->n_from);
    if (r < 0)
        return r;
    r = flow_parties(rs, policy, &from->to, &f->to, &f->n_to);
    if (r < 0)
        return r;
    flow_condition(rs, policy, f);
    return 0;
}

bool site_uses_product(const struct site *site, const char *product) {
    if (strcmp(product, PRODUCT_BASELINE) == 0 || product_find(site, product))
        return true;
    for (size_t i = 0; i < site->n_hosts; i++)
        if (host_is_of(&site->hosts[i], product))
            return true;
    return false;
}

static int resolve_flows(struct resolver *rs) {
    for (size_t i = 0; i < rs->n_policies; i++) {
        const struct policy *p = rs->policies[i];

        if (!site_uses_product(rs->site, p->product))
            continue;
        for (size_t j = 0; j < p->n_flows; j++) {
            int r = resolve_flow(rs, p, &p->flows[j]);

            if (r < 0)
                return r;
        }
    }
    for (size_t j = 0; j < rs->site->n_flows; j++) {
        int r = resolve_flow(rs, NULL, &rs->site->flows[j]);

        if (r < 0)
            return r;
    }
    return 0;
}

bool files_are_drafts(const struct policy *const *policies, size_t n, const struct site *site) {
    for (size_t i = 0; i < n; i++)
        if (policies[i]->is_draft)
            return true;
    return site->is_draft;
}

int resolver_init(struct resolver *rs) {
    int r;

    rs->parties = (struct parties){ .arena = rs->intent->arena,
                                    .policies = rs->policies,
                                    .n_policies = rs->n_policies,
                                    .site = rs->site };
    r = parties_init(&rs->parties);
    if (r == 0)
        r = resolve_flows(rs);
    rs->intent->parties = rs->parties.items;
    rs->intent->n_parties = rs->parties.n;
    return r;
}

void resolver_clear(struct resolver *rs) {
    parties_clear(&rs->parties);
}

int resolver_aim(struct resolver *rs, const struct host *self) {
    int r = parties_aim(&rs->parties, self);

    for (size_t i = 0; i < rs->intent->n_flows && r == 0; i++)
        flow_aim(&rs->intent->flows[i], self);
    return r < 0 ? r : audited_aim(rs->intent, rs->site, self);
}
