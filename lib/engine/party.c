/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who a selector means at this site. A party's name becomes that of its address sets in the
 * kernel: product and word joined by '_', which no name in a file can contain, so two selectors
 * never meet in one set and an administrator can read the set's origin off its name. What stands
 * before the '_' of other parties ("host", "net", "site") is no product's name. */
#include "engine/party.h"

#include <errno.h>

/* A party and what its addresses were made of, where they are no hosts'. */
struct known_party {
    struct party party; /* first: what others see of it */
    const struct prefixes *networks;
};

static int holder_compare(const void *a, const void *b) {
    const struct holder *x = a, *y = b;

    return strcmp(x->role, y->role);
}

int parties_init(struct parties *p) {
    size_t n = 0;

    for (size_t i = 0; i < p->site->n_hosts; i++)
        n += p->site->hosts[i].roles.n;
    p->holders = calloc(n + 1, sizeof(*p->holders));
    if (!p->holders)
        return -ENOMEM;
    for (size_t i = 0; i < p->site->n_hosts; i++)
        for (size_t j = 0; j < p->site->hosts[i].roles.n; j++)
            p->holders[p->n_holders++] =
                (struct holder){ p->site->hosts[i].roles.items[j].text, &p->site->hosts[i] };
    if (n)
        qsort(p->holders, n, sizeof(*p->holders), holder_compare);
    return 0;
}

void parties_clear(struct parties *p) {
    free(p->holders);
    p->holders = NULL;
    p->n_holders = 0;
}

/* Whether a host belongs: with any role of `product` (NULL: every host), of that system. */
struct membership {
    const char *product;
    const enum os *os;
};

static bool host_belongs(const struct host *h, const struct membership *m) {
    size_t n = m->product ? strlen(m->product) : 0;

    if (m->os && h->os != *m->os)
        return false;
    if (!m->product || strcmp(m->product, PRODUCT_BASELINE) == 0)
        return true;
    for (size_t i = 0; i < h->roles.n; i++)
        if (strncmp(h->roles.items[i].text, m->product, n) == 0 && h->roles.items[i].text[n] == '/')
            return true;
    return false;
}

static int party_add_prefixes(struct arena *a, struct party *p, const struct prefixes *from) {
    for (size_t i = 0; i < from->n; i++) {
        struct ranges *ranges = &p->ranges[from->items[i].family];
        struct range *r = ARENA_APPEND(a, ranges->items, ranges->n);

        if (!r)
            return -ENOMEM;
        *r = from->items[i].range;
    }
    return 0;
}

static int party_add_host(struct parties *all, struct party *p, const struct host *h) {
    return party_add_prefixes(all->arena, p, &h->addresses);
}

static int party_add_hosts(struct parties *all, struct party *p, const struct membership *m) {
    for (size_t i = 0; i < all->site->n_hosts; i++) {
        int r = host_belongs(&all->site->hosts[i], m) ? party_add_host(all, p, &all->site->hosts[i])
                                                      : 0;

        if (r < 0)
            return r;
    }
    return 0;
}

/* The first holder of a role, or where it would stand. */
static size_t holders_begin(const struct parties *all, const char *role) {
    size_t lo = 0, hi = all->n_holders;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (strcmp(all->holders[mid].role, role) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static int party_add_holders(struct parties *all, struct party *p, const char *product,
                             const char *name) {
    char *role = arena_printf(all->arena, "%s/%s", product, name);

    if (!role)
        return -ENOMEM;
    for (size_t i = holders_begin(all, role);
         i < all->n_holders && strcmp(all->holders[i].role, role) == 0; i++) {
        int r = party_add_host(all, p, all->holders[i].host);

        if (r < 0)
            return r;
    }
    return 0;
}

/* The site's, so that they stay until all hosts have asked. */
static int party_add_networks(struct parties *all, struct party *p, const struct prefixes *from) {
    ((struct known_party *)p)->networks = from;
    return party_add_prefixes(all->arena, p, from);
}

static const struct site_peer *binding_find(const struct site *site, const char *product,
                                            const char *peer) {
    for (size_t i = 0; i < site->n_products; i++) {
        const struct site_product *sp = &site->products[i];

        if (strcmp(sp->name.text, product) != 0)
            continue;
        for (size_t j = 0; j < sp->n_peers; j++)
            if (strcmp(sp->peers[j].name.text, peer) == 0)
                return &sp->peers[j];
    }
    return NULL;
}

static bool party_has_hostname(const struct party *p, const char *name) {
    for (size_t i = 0; i < p->n_hostnames; i++)
        if (strcmp(p->hostnames[i], name) == 0)
            return true;
    return false;
}

static int party_add_hostnames(struct arena *a, struct party *p, const struct words *from) {
    for (size_t i = 0; i < from->n; i++) {
        const char **slot;

        if (party_has_hostname(p, from->items[i].text))
            continue;
        slot = ARENA_APPEND(a, p->hostnames, p->n_hostnames);
        if (!slot)
            return -ENOMEM;
        *slot = arena_strdup(a, from->items[i].text);
        if (!*slot)
            return -ENOMEM;
    }
    return 0;
}

static int party_from_peer(struct parties *all, struct party *p, const struct policy *policy,
                           const struct peer *peer) {
    const struct site_peer *bound = binding_find(all->site, policy->product, peer->name);
    int r;

    if (bound ? bound->any : peer->default_any) {
        p->any = true;
        return 0;
    }
    if (!bound) {
        p->is_unbound_peer = peer->hostnames.n == 0;
        return party_add_hostnames(all->arena, p, &peer->hostnames);
    }
    r = party_add_networks(all, p, &bound->prefixes);
    return r < 0 ? r : party_add_hostnames(all->arena, p, &bound->hostnames);
}

static int party_from_name(struct parties *all, struct party *p, const struct policy *policy,
                           const char *name) {
    const struct peer *peer = policy_peer(policy, name);

    p->name = arena_printf(all->arena, "%s_%s", policy->product, name);
    if (!p->name)
        return -ENOMEM;
    if (peer)
        return party_from_peer(all, p, policy, peer);
    p->is_hosts = true;
    return party_add_holders(all, p, policy->product, name);
}

static int party_from_os(struct parties *all, struct party *p, const char *product,
                         const char *name) {
    const enum os os = strcmp(name, os_name(OS_WINDOWS)) == 0 ? OS_WINDOWS : OS_LINUX;

    p->name = product ? arena_printf(all->arena, "%s_os-%s", product, name)
                      : arena_printf(all->arena, "os-%s", name);
    if (!p->name)
        return -ENOMEM;
    p->is_hosts = true;
    return party_add_hosts(all, p, &(struct membership){ .product = product, .os = &os });
}

static int party_from_host(struct parties *all, struct party *p, const char *name) {
    const struct host *h = site_host(all->site, name);

    p->name = arena_printf(all->arena, "host_%s", name);
    if (!p->name)
        return -ENOMEM;
    p->is_hosts = true;
    return h ? party_add_host(all, p, h) : 0;
}

static int party_from_management(struct parties *all, struct party *p) {
    p->name = "management";
    p->is_unbound_peer = all->site->management.n == 0;
    return party_add_networks(all, p, &all->site->management);
}

static int party_from_internal(struct parties *all, struct party *p, const char *product) {
    p->name = arena_printf(all->arena, "%s_internal", product ? product : "site");
    if (!p->name)
        return -ENOMEM;
    p->is_hosts = true;
    return party_add_hosts(all, p, &(struct membership){ .product = product });
}

/* "10.20.0.0/16" → net_10.20.0.0-16, "2001:db8::/32" → net_2001_db8__-32: nft's names have
 * neither '/' at an end that reads well nor ':'. No '.' for ':', else "::1.2.3.4" and
 * "::1:2:3:4" would be one. */
static int party_from_prefix(struct parties *all, struct party *p, const char *text,
                             const struct prefix *prefix) {
    char *name = arena_printf(all->arena, "net_%s", text);
    struct prefixes *networks = arena_alloc(all->arena, sizeof(*networks));
    struct prefix *copy = arena_alloc(all->arena, sizeof(*copy));

    if (!name || !networks || !copy)
        return -ENOMEM;
    for (char *c = name; *c; c++)
        *c = *c == '/' ? '-' : *c == ':' ? '_' : *c;
    p->name = name;
    *copy = *prefix;
    *networks = (struct prefixes){ copy, 1 };
    return party_add_networks(all, p, networks);
}

static int party_from_path(struct parties *all, struct party *p, const char *text) {
    const char *slash = strchr(text, '/');
    const char *product = arena_strndup(all->arena, text, (size_t)(slash - text));
    const struct policy *policy;

    if (!product)
        return -ENOMEM;
    policy = policy_find(all->policies, all->n_policies, product);
    p->name = text;
    return policy ? party_from_name(all, p, policy, slash + 1) : 0;
}

static int party_fill(struct parties *all, struct party *p, const struct policy *policy,
                      const char *text) {
    const char *product = policy ? policy->product : NULL;
    struct prefix prefix = { 0 };

    if (strcmp(text, "any") == 0) {
        p->name = "any";
        p->any = true;
        return 0;
    }
    if (strcmp(text, "self") == 0) {
        p->name = "self";
        p->is_self = true;
        return 0;
    }
    if (strcmp(text, "internal") == 0)
        return party_from_internal(all, p, product);
    if (strcmp(text, "management") == 0)
        return party_from_management(all, p);
    if (strcmp(text, "all") == 0) {
        p->name = "all";
        p->is_hosts = true;
        return party_add_hosts(all, p, &(struct membership){ 0 });
    }
    if (strncmp(text, "os:", 3) == 0)
        return party_from_os(all, p, product, text + 3);
    if (strncmp(text, "host:", 5) == 0)
        return party_from_host(all, p, text + 5);
    if (prefix_parse(text, &prefix.family, &prefix.range) == 0)
        return party_from_prefix(all, p, text, &prefix);
    if (strchr(text, '/'))
        return party_from_path(all, p, text);
    return policy ? party_from_name(all, p, policy, text) : 0;
}

static struct party *use_find(const struct parties *all, const struct policy *policy,
                              const char *selector) {
    for (size_t i = 0; i < all->n_uses; i++)
        if (all->uses[i].policy == policy && strcmp(all->uses[i].selector, selector) == 0)
            return all->uses[i].party;
    return NULL;
}

static int range_compare_lo(const void *a, const void *b) {
    const struct range *x = a, *y = b;

    return address_compare(&x->lo, &y->lo);
}

/* Single addresses stay single, so that their set is a hash in the kernel: joined to ranges they
 * would need an interval tree, which is slower to search and much slower to change. */
static void ranges_tidy(struct ranges *r, enum family f) {
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        if (!range_is_host(&r->items[i])) {
            ranges_merge(r, f);
            return;
        }
    if (r->n)
        qsort(r->items, r->n, sizeof(*r->items), range_compare_lo);
    for (size_t i = 0; i < r->n; i++)
        if (n == 0 || range_compare_lo(&r->items[n - 1], &r->items[i]) != 0)
            r->items[n++] = r->items[i];
    r->n = n;
}

/* Two selectors may mean one party ("ACD-LB" in a policy, "jtel-acd/ACD-LB" in a site). */
static int party_intern(struct parties *all, struct party *p, struct party **ret) {
    struct party **slot;

    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->items[i]->name, p->name) == 0) {
            *ret = all->items[i];
            return 0;
        }

    for (enum family f = 0; f < FAMILY_MAX; f++)
        ranges_tidy(&p->ranges[f], f);
    slot = ARENA_APPEND(all->arena, all->items, all->n);
    if (!slot)
        return -ENOMEM;
    *ret = *slot = p;
    return 0;
}

int parties_get(struct parties *all, const struct policy *policy, const char *selector,
                struct party **ret) {
    struct party *p = use_find(all, policy, selector);
    struct party_use *use;
    int r;

    if (p) {
        *ret = p;
        return 0;
    }

    p = arena_alloc(all->arena, sizeof(struct known_party));
    if (!p)
        return -ENOMEM;
    p->selector = arena_strdup(all->arena, selector);
    if (!p->selector)
        return -ENOMEM;
    r = party_fill(all, p, policy, p->selector);
    if (r < 0)
        return r;
    use = ARENA_APPEND(all->arena, all->uses, all->n_uses);
    if (!use)
        return -ENOMEM;
    *use = (struct party_use){ policy, p->selector, NULL };
    r = party_intern(all, p, &use->party);
    if (r < 0)
        return r;
    *ret = use->party;
    return 0;
}

/* --- who is asking --- */

static bool prefix_holds(const struct prefix *p, const struct prefix *other) {
    return p->family == other->family && address_compare(&other->range.lo, &p->range.lo) >= 0 &&
           address_compare(&other->range.hi, &p->range.hi) <= 0;
}

/* 0.0.0.0/0 or ::/0. */
static bool prefix_is_whole(const struct prefix *p) {
    struct address next;

    for (size_t i = 0; i < family_size(p->family); i++)
        if (p->range.lo.bytes[i])
            return false;
    return !address_next(&p->range.hi, p->family, &next);
}

/* A party that is addresses alone has a host in it when it has one of the host's. */
static void networks_aim(struct known_party *known, const struct prefix *own) {
    struct party *p = &known->party;

    if (!ranges_contain(&p->ranges[own->family], &own->range.lo))
        return;
    for (size_t i = 0; i < known->networks->n; i++)
        if (prefix_holds(&known->networks->items[i], own)) {
            p->has_self = true;
            p->has_self_named = p->has_self_named || !prefix_is_whole(&known->networks->items[i]);
        }
}

static int self_aim(struct parties *all, struct party *p, const struct host *self) {
    int r;

    for (enum family f = 0; f < FAMILY_MAX; f++)
        p->ranges[f] = (struct ranges){ 0 };
    r = party_add_prefixes(all->arena, p, &self->addresses);
    for (enum family f = 0; f < FAMILY_MAX; f++)
        ranges_tidy(&p->ranges[f], f);
    return r;
}

/* A host is in a party of hosts when its addresses are, for no two hosts share one. */
int parties_aim(struct parties *all, const struct host *self) {
    const struct prefixes *own = &self->addresses;
    int r = 0;

    for (size_t i = 0; i < all->n && r == 0; i++) {
        struct party *p = all->items[i];
        struct known_party *known = (struct known_party *)p;

        p->has_self_named = p->is_self || (p->is_hosts && party_contains(p, own->items[0].family,
                                                                         &own->items[0].range.lo));
        p->has_self = p->any || p->has_self_named;
        if (p->is_self)
            r = self_aim(all, p, self);
        for (size_t j = 0; known->networks && j < own->n; j++)
            networks_aim(known, &own->items[j]);
    }
    return r;
}
