/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies + site + "I am host X". Every row of every product in use is kept, with the reason
 * where it opens nothing here: `explain` and `flows` answer from this value alone, so that what
 * is said and what is enforced can't differ. */
#include "engine/intent.h"

#include "engine/party.h"
#include "engine/warning.h"

#include <errno.h>
#include <stdio.h>

static const char *const direction_names[] = { [DIRECTION_IN] = "in", [DIRECTION_OUT] = "out" };
static_assert(ARRAY_SIZE(direction_names) == DIRECTION_MAX, "a direction has no name");

static const char *const flow_state_names[] = {
    [FLOW_ACTIVE] = "active",   [FLOW_FEATURE_OFF] = "feature-off", [FLOW_NOT_MINE] = "not-mine",
    [FLOW_NO_PORT] = "no-port", [FLOW_UNBOUND] = "unbound",         [FLOW_EMPTY] = "empty",
};
static_assert(ARRAY_SIZE(flow_state_names) == FLOW_STATE_MAX, "a flow state has no name");

const char *direction_name(enum direction d) {
    return direction_names[d];
}

const char *flow_state_name(enum flow_state s) {
    return flow_state_names[s];
}

/* What is needed while an intent is made. */
struct resolver {
    struct intent *intent;
    struct parties parties;
    const struct policy *const *policies;
    size_t n_policies;
    const struct site *site;
};

static const struct site_product *product_find(const struct site *site, const char *product) {
    for (size_t i = 0; i < site->n_products; i++)
        if (strcmp(site->products[i].name.text, product) == 0)
            return &site->products[i];
    return NULL;
}

static bool feature_is_on(const struct site *site, const struct policy *policy, const char *name) {
    const struct site_product *sp = product_find(site, policy->product);

    for (size_t i = 0; sp && i < sp->n_features; i++)
        if (strcmp(sp->features[i].name.text, name) == 0)
            return sp->features[i].on;
    for (size_t i = 0; i < policy->n_features; i++)
        if (strcmp(policy->features[i].name, name) == 0)
            return policy->features[i].default_on;
    return false;
}

static uint16_t port_number(const struct site *site, const struct policy *policy,
                            const char *name) {
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
        return feature_is_on(rs->site, policy, text);
    for (size_t i = 0; slash && i < rs->n_policies; i++) {
        const char *product = rs->policies[i]->product;

        if (strlen(product) == (size_t)(slash - text) &&
            strncmp(product, text, strlen(product)) == 0)
            return feature_is_on(rs->site, rs->policies[i], slash + 1);
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
            lo = hi = port_number(rs->site, policy, spec->port_name);
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
static bool asks_as_any(const struct resolver *rs, const struct policy *policy) {
    return !policy || strcmp(policy->product, PRODUCT_BASELINE) == 0 ||
           host_is_of(rs->parties.self, policy->product);
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

static void flow_states(const struct resolver *rs, const struct policy *policy,
                        struct intent_flow *f) {
    for (size_t i = 0; i < f->when.n; i++)
        if (!condition_holds(rs, policy, f->when.items[i].text)) {
            f->missing = f->when.items[i].text;
            for (enum direction d = 0; d < DIRECTION_MAX; d++)
                f->state[d] = FLOW_FEATURE_OFF;
            return;
        }
    for (enum direction d = 0; d < DIRECTION_MAX; d++)
        f->state[d] = flow_state_get(f, d, asks_as_any(rs, policy));
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
    r = flow_texts(in->arena, from, policy ? policy->product : "site", f);
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
    flow_states(rs, policy, f);
    return 0;
}

static bool product_in_use(const struct site *site, const char *product) {
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

        if (!product_in_use(rs->site, p->product))
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

static int resolve_self(struct intent *in, const struct site *site, const struct host *h) {
    in->site = arena_strdup(in->arena, site->name);
    in->self.name = arena_strdup(in->arena, h->name);
    in->self.os = h->os;
    in->modes[DIRECTION_IN] = site->ingress;
    in->modes[DIRECTION_OUT] = site->egress;
    in->denies[DIRECTION_IN] = site->deny_ingress;
    in->denies[DIRECTION_OUT] = site->deny_egress;
    if (!in->site || !in->self.name)
        return -ENOMEM;
    for (size_t i = 0; i < h->roles.n; i++) {
        const char **role = ARENA_APPEND(in->arena, in->self.roles, in->self.n_roles);

        if (!role)
            return -ENOMEM;
        *role = arena_strdup(in->arena, h->roles.items[i].text);
        if (!*role)
            return -ENOMEM;
    }
    for (size_t i = 0; i < h->addresses.n; i++) {
        struct prefix *p = ARENA_APPEND(in->arena, in->self.addresses, in->self.n_addresses);

        if (!p)
            return -ENOMEM;
        *p = h->addresses.items[i];
        p->node = NULL;
    }
    return 0;
}

#define HOSTS_LISTED 20U

static int report_no_host(const struct site *site, const char *const *names, size_t n_names,
                          struct report *reterr) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    const char *looked = "", *hosts = "";

    if (!a)
        return -ENOMEM;
    for (size_t i = 0; looked && i < n_names; i++)
        looked = arena_printf(a, "%s%s\"%s\"", looked, i ? ", " : "", names[i]);
    for (size_t i = 0; hosts && i < site->n_hosts && i < HOSTS_LISTED; i++)
        hosts = arena_printf(a, "%s%s%s", hosts, i ? ", " : "", site->hosts[i].name);
    if (!looked || !hosts)
        return -ENOMEM;
    report_add(reterr, (struct place){ .file = site->file, .pointer = "/hosts" },
               "this host is not in the site: looked for %s; the site has %s%s; add the host, or "
               "name the right one with --host",
               looked, hosts, site->n_hosts > HOSTS_LISTED ? ", …" : "");
    return RESOLVE_E_NO_HOST;
}

static const struct host *self_find(const struct site *site, const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const struct host *h = site_host(site, names[i]);

        if (h)
            return h;
    }
    return NULL;
}

static int hostname_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int hostnames_add(struct intent *in, const struct party *p) {
    for (size_t i = 0; i < p->n_hostnames; i++) {
        const char **slot = ARENA_APPEND(in->arena, in->hostnames, in->n_hostnames);

        if (!slot)
            return -ENOMEM;
        *slot = p->hostnames[i];
    }
    return 0;
}

static int flow_hostnames(struct intent *in, const struct intent_flow *f, enum direction d) {
    size_t n;
    struct party **others = flow_others(f, d, &n);
    int r = 0;

    for (size_t i = 0; i < n && r == 0 && f->state[d] == FLOW_ACTIVE; i++)
        r = hostnames_add(in, others[i]);
    return r;
}

static int resolve_hostnames(struct intent *in) {
    size_t n = 0;

    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            int r = flow_hostnames(in, &in->flows[i], d);

            if (r < 0)
                return r;
        }
    if (in->n_hostnames > 0)
        qsort(in->hostnames, in->n_hostnames, sizeof(*in->hostnames), hostname_compare);
    for (size_t i = 0; i < in->n_hostnames; i++)
        if (n == 0 || strcmp(in->hostnames[n - 1], in->hostnames[i]) != 0)
            in->hostnames[n++] = in->hostnames[i];
    in->n_hostnames = n;
    return 0;
}

static int resolve_all(struct resolver *rs) {
    int r = parties_init(&rs->parties);

    if (r == 0)
        r = resolve_self(rs->intent, rs->site, rs->parties.self);
    if (r == 0)
        r = resolve_flows(rs);
    if (r == 0)
        r = resolve_hostnames(rs->intent);
    if (r == 0)
        r = warnings_resolve(rs->intent, &rs->parties);
    rs->intent->parties = rs->parties.items;
    rs->intent->n_parties = rs->parties.n;
    return r;
}

static bool is_draft(const struct policy *const *policies, size_t n, const struct site *site) {
    for (size_t i = 0; i < n; i++)
        if (policies[i]->is_draft)
            return true;
    return site->is_draft;
}

int intent_resolve(const struct policy *const *policies, size_t n_policies, const struct site *site,
                   const char *const *names, size_t n_names, struct intent **ret,
                   struct report *reterr) {
    const struct host *self = self_find(site, names, n_names);
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct resolver rs = { .policies = policies, .n_policies = n_policies, .site = site };
    struct intent *in;
    int r;

    if (!arena)
        return -ENOMEM;
    if (is_draft(policies, n_policies, site))
        return -EINVAL;
    if (!self)
        return report_no_host(site, names, n_names, reterr);
    in = arena_alloc(arena, sizeof(*in));
    if (!in)
        return -ENOMEM;
    in->arena = arena;
    rs.intent = in;
    rs.parties = (struct parties){
        .arena = arena, .policies = policies, .n_policies = n_policies, .site = site, .self = self
    };

    r = resolve_all(&rs);
    parties_clear(&rs.parties);
    if (r < 0)
        return r;
    in->arena = TAKE_PTR(arena);
    *ret = in;
    return 0;
}

struct intent *intent_free(struct intent *i) {
    if (i)
        arena_free(i->arena);
    return NULL;
}

bool party_is_empty(const struct party *p) {
    return !p->any && p->ranges[FAMILY_IPV4].n == 0 && p->ranges[FAMILY_IPV6].n == 0 &&
           p->n_hostnames == 0;
}

bool party_contains(const struct party *p, enum family f, const struct address *a) {
    return p->any || ranges_contain(&p->ranges[f], a);
}

struct party **flow_others(const struct intent_flow *f, enum direction d, size_t *ret_n) {
    *ret_n = d == DIRECTION_IN ? f->n_from : f->n_to;
    return d == DIRECTION_IN ? f->from : f->to;
}

const struct intent_flow *intent_flow_find(const struct intent *i, const char *id) {
    for (size_t n = 0; n < i->n_flows; n++)
        if (strcmp(i->flows[n].id, id) == 0)
            return &i->flows[n];
    return NULL;
}
