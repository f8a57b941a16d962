/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policies + site + "I am host X". Every row of every product in use is kept, with the reason
 * where it opens nothing here: `explain` and `flows` answer from this value alone, so that what
 * is said and what is enforced can't differ. */
#include "engine/intent.h"

#include "engine/neighbours.h"
#include "engine/resolve.h"
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

static int resolve_self(struct intent *in, const struct site *site, const struct host *h) {
    in->site = arena_strdup(in->arena, site->name);
    in->self.name = arena_strdup(in->arena, h->name);
    in->self.os = h->os;
    in->modes[DIRECTION_IN] = site->ingress;
    in->modes[DIRECTION_OUT] = site->egress;
    in->seal = site->seal;
    in->updates = site->updates;
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

static int resolve_all(struct resolver *rs, const struct host *self) {
    int r = resolve_self(rs->intent, rs->site, self);

    if (r == 0)
        r = neighbours_resolve(rs->intent, rs->site);
    if (r == 0)
        r = resolver_init(rs);
    if (r == 0)
        r = resolver_aim(rs, self);
    if (r == 0)
        r = resolve_hostnames(rs->intent);
    if (r == 0)
        r = warnings_resolve(rs->intent, &rs->parties);
    return r;
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
    if (files_are_drafts(policies, n_policies, site))
        return -EINVAL;
    if (!self)
        return report_no_host(site, names, n_names, reterr);
    in = arena_alloc(arena, sizeof(*in));
    if (!in)
        return -ENOMEM;
    in->arena = arena;
    rs.intent = in;

    r = resolve_all(&rs, self);
    resolver_clear(&rs);
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
