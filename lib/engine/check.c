/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What one file says about another. The names of every policy are sorted once, so that a site of
 * 100,000 hosts costs a binary search for each reference; addresses that two hosts claim are found
 * by one sweep over all of them in order. */
#include "base/quote.h"
#include "engine/audited.h"
#include "engine/flow.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* A policy and what a site can name of it. */
struct known {
    const struct policy *policy;
    struct names roles, peers, parties, features, ports, flows;
};

struct check {
    struct loader l;
    const struct site *site;
    struct known *known;
    size_t n_known;
    struct names products, hosts;
};

static int names_of(struct names *names, struct arena *a, const void *records, size_t n,
                    size_t size) {
    int r = names_collect(names, a, records, n, size);

    names_sort(names);
    return r;
}

static int known_collect(struct known *k, const struct policy *p, struct arena *a) {
    int r = names_of(&k->roles, a, p->roles, p->n_roles, sizeof(*p->roles));

    k->policy = p;
    if (r == 0)
        r = names_of(&k->peers, a, p->peers, p->n_peers, sizeof(*p->peers));
    if (r == 0)
        r = names_collect(&k->parties, a, p->roles, p->n_roles, sizeof(*p->roles));
    if (r == 0)
        r = names_of(&k->parties, a, p->peers, p->n_peers, sizeof(*p->peers));
    if (r == 0)
        r = names_of(&k->features, a, p->features, p->n_features, sizeof(*p->features));
    if (r == 0)
        r = names_of(&k->ports, a, p->ports, p->n_ports, sizeof(*p->ports));
    if (r == 0)
        r = names_of(&k->flows, a, p->flows, p->n_flows, sizeof(*p->flows));
    k->roles.is_open = p->lacks.roles;
    k->peers.is_open = p->lacks.peers;
    k->parties.is_open = p->lacks.roles || p->lacks.peers;
    k->features.is_open = p->lacks.features;
    k->ports.is_open = p->lacks.ports;
    k->flows.is_open = p->is_draft;
    return r;
}

static const struct known *known_find(const struct check *c, const char *product) {
    for (size_t i = 0; i < c->n_known; i++)
        if (strcmp(c->known[i].policy->product, product) == 0)
            return &c->known[i];
    return NULL;
}

/* Two policies with one product's name are a mistake; the first counts from then on. */
static int policies_check(struct check *c, const struct policy *const *policies, size_t n) {
    c->known = arena_alloc(c->l.scratch, n * sizeof(*c->known));
    if (!c->known)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct known *first;
        int r;

        if (!policies[i]) {
            c->products.is_open = true;
            continue;
        }
        first = known_find(c, policies[i]->product);
        if (first) {
            mistake(&c->l, policies[i]->node,
                    "the product %s has a policy already, at %s:%" PRIu32
                    ": an override has the same file name",
                    policies[i]->product, first->policy->file, first->policy->node->line);
            continue;
        }
        r = known_collect(&c->known[c->n_known++], policies[i], c->l.scratch);
        if (r == 0)
            r = names_collect(&c->products, c->l.scratch, &policies[i]->product, 1, 0);
        if (r < 0)
            return r;
    }
    names_sort(&c->products);
    return 0;
}

/* --- products --- */

static const struct port *port_find(const struct policy *p, const char *name) {
    for (size_t i = 0; i < p->n_ports; i++)
        if (strcmp(p->ports[i].name, name) == 0)
            return &p->ports[i];
    return NULL;
}

/* Either side may be 0, in a draft: then nothing is said against it. */
static bool port_may_be(const struct port *port, uint16_t number) {
    for (size_t i = 0; i < port->n_choices; i++)
        if (port->choices[i] == number || port->choices[i] == 0)
            return true;
    return port->n_choices == 0 || number == 0;
}

static void word_check(struct check *c, const struct word *w, const char *what,
                       const struct names *names) {
    if (names_lack(names, w->text))
        mistake_unknown(&c->l, w->node, w->text, what, names);
}

static int port_check(struct check *c, const struct known *k, const struct site_port *over) {
    const struct port *port = port_find(k->policy, over->name.text);
    const char *choices;

    if (!port) {
        word_check(c, &over->name, "port of this product", &k->ports);
        return 0;
    }
    if (port->fixed && port->number > 0) {
        mistake(&c->l, over->node, "the vendor fixes the port %s at %u: remove this line",
                port->name, port->number);
        return 0;
    }
    if (port_may_be(port, over->number))
        return 0;
    choices = numbers_list(port->choices, port->n_choices, c->l.scratch);
    if (!choices)
        return -ENOMEM;
    mistake(&c->l, over->node, "the vendor leaves no choice of %u for the port %s, only of %s",
            over->number, port->name, choices);
    return 0;
}

static void binding_check(struct check *c, const struct known *k, const struct site_peer *bound) {
    const struct peer *peer = policy_peer(k->policy, bound->name.text);

    if (!peer) {
        word_check(c, &bound->name, "peer of this product", &k->peers);
        return;
    }
    if (peer->hostnames_only && bound->prefixes.n > 0)
        mistake(&c->l, bound->prefixes.items[0].node,
                "the vendor wants %s to be known by host names alone, for its addresses change: "
                "write names, as in \"%s\", or [] for nobody",
                peer->name,
                peer->hostnames.n > 0 ? peer->hostnames.items[0].text : "licence.example.net");
}

static int product_check(struct check *c, const struct site_product *p) {
    const struct known *k = known_find(c, p->name.text);
    int r = 0;

    if (!k) {
        word_check(c, &p->name, "product that has a policy", &c->products);
        return 0;
    }
    for (size_t i = 0; i < p->n_features; i++)
        word_check(c, &p->features[i].name, "feature of this product", &k->features);
    for (size_t i = 0; i < p->n_peers; i++)
        binding_check(c, k, &p->peers[i]);
    for (size_t i = 0; i < p->n_ports && r == 0; i++)
        r = port_check(c, k, &p->ports[i]);
    return r;
}

/* --- references to roles, peers and hosts --- */

/* "product/NAME"; of another form site_load() told the author. */
static void path_check(struct check *c, const struct word *w, bool role_only) {
    char product[NAME_LENGTH_MAX + 1], what[NAME_LENGTH_MAX + 32];
    struct word half = *w;
    const struct known *k;

    if (!product_split(w->text, product, &half.text) || !product_name_is_valid(product) ||
        !name_is_valid(half.text))
        return;
    k = known_find(c, product);
    snprintf(what, sizeof(what), role_only ? "role of %s" : "role and no peer of %s", product);
    if (k) {
        word_check(c, &half, what, role_only ? &k->roles : &k->parties);
        return;
    }
    half.text = product;
    word_check(c, &half, "product that has a policy", &c->products);
}

static void selectors_check(struct check *c, const struct words *words) {
    for (size_t i = 0; i < words->n; i++) {
        struct word w = words->items[i];

        path_check(c, &w, false);
        if (selector_kind(w.text) != SELECTOR_HOST)
            continue;
        w.text += strlen("host:");
        word_check(c, &w, "host of this site", &c->hosts);
    }
}

/* --- what is audited --- */

static void audited_mistake(struct check *c, const struct word *w, const struct audited *a) {
    mistake(&c->l, w->node, "%s is a role and a flow of %s: write \"%s/role:%s\" or \"%s/flow:%s\"",
            a->name, a->product, a->product, a->name, a->product, a->name);
}

/* A name among the flows, the roles, or both of them. */
static int audited_name_check(struct check *c, const struct word *w, const struct audited *a,
                              const struct names *flows, const struct names *roles) {
    static const char *const whats[] = {
        [AUDITED_NAME] = "flow and no role", [AUDITED_FLOW] = "flow", [AUDITED_ROLE] = "role"
    };
    struct names both = { .is_open = flows->is_open || roles->is_open };
    const struct names *known = a->kind == AUDITED_FLOW   ? flows
                                : a->kind == AUDITED_ROLE ? roles
                                                          : &both;
    const struct word half = { .text = a->name, .node = w->node };
    char what[NAME_LENGTH_MAX + 32];
    int r = names_collect(&both, c->l.scratch, flows->items, flows->n, sizeof(*flows->items));

    if (r == 0)
        r = names_collect(&both, c->l.scratch, roles->items, roles->n, sizeof(*roles->items));
    if (r < 0)
        return r;
    names_sort(&both);
    snprintf(what, sizeof(what), "%s of %s", whats[a->kind], a->product);
    word_check(c, &half, what, known);
    if (a->kind == AUDITED_NAME && names_have(flows, a->name) && names_have(roles, a->name))
        audited_mistake(c, w, a);
    return 0;
}

static int audited_check(struct check *c, const struct word *w) {
    const struct known *k;
    struct names own = { .is_open = c->site->is_draft };
    struct audited a;
    struct word half = { .node = w->node };
    int r;

    if (!audited_parse(w->text, &a))
        return 0;
    half.text = a.product;
    k = known_find(c, a.product);
    if (!k && strcmp(a.product, PRODUCT_SITE) != 0)
        word_check(c, &half, "product that has a policy", &c->products);
    if (a.kind == AUDITED_PRODUCT || (!k && strcmp(a.product, PRODUCT_SITE) != 0))
        return 0;
    if (k)
        return audited_name_check(c, w, &a, &k->flows, &k->roles);
    r = names_of(&own, c->l.scratch, c->site->flows, c->site->n_flows, sizeof(*c->site->flows));
    return r < 0 ? r : audited_name_check(c, w, &a, &own, &(struct names){ 0 });
}

/* --- addresses --- */

struct claim {
    const struct host *host;
    const struct prefix *prefix;
};

static int claim_compare(const void *x, const void *y) {
    const struct claim *one = x, *other = y;
    const struct prefix *a = one->prefix, *b = other->prefix;
    int r = (a->family > b->family) - (a->family < b->family);

    r = r ? r : address_compare(&a->range.lo, &b->range.lo);
    r = r ? r : address_compare(&b->range.hi, &a->range.hi); /* the wider one first */
    r = r ? r : (one->host > other->host) - (one->host < other->host);
    return r ? r : (a > b) - (a < b);
}

/* The mistake is told where the later host stands. */
static void claims_mistake(struct check *c, const struct claim *a, const struct claim *b) {
    const struct claim *first = a->host <= b->host ? a : b, *second = first == a ? b : a;
    const struct node *here = second->prefix->node, *there = first->prefix->node;
    char one[RANGE_TEXT_MAX], other[RANGE_TEXT_MAX];

    range_format(&second->prefix->range, second->prefix->family, one);
    range_format(&first->prefix->range, first->prefix->family, other);
    if (first->host == second->host)
        mistake(&c->l, here, "%s overlaps %s of the same host: remove one", one, other);
    else if (strcmp(first->host->name, second->host->name) == 0)
        return; /* one member twice, in a draft: site_load() told */
    else if (strcmp(one, other) == 0)
        mistake(&c->l, here,
                "the hosts %s (%s:%" PRIu32 ") and %s both have %s: leave it to one of them; a "
                "virtual address of a cluster is a host of its own with the cluster's role",
                first->host->name, there->file, there->line, second->host->name, one);
    else
        mistake(&c->l, here,
                "%s overlaps %s of the host %s at %s:%" PRIu32
                ": an address belongs to one host, so make one of them narrower",
                one, other, first->host->name, there->file, there->line);
}

static int addresses_check(struct check *c) {
    _cleanup_(freep) struct claim *claims = NULL;
    const struct site *s = c->site;
    size_t n = 0;

    for (size_t i = 0; i < s->n_hosts; i++)
        n += s->hosts[i].addresses.n;
    claims = calloc(n + 1, sizeof(*claims));
    if (!claims)
        return -ENOMEM;
    n = 0;
    for (size_t i = 0; i < s->n_hosts; i++)
        for (size_t j = 0; j < s->hosts[i].addresses.n; j++)
            claims[n++] = (struct claim){ &s->hosts[i], &s->hosts[i].addresses.items[j] };
    qsort(claims, n, sizeof(*claims), claim_compare);
    for (size_t i = 1, widest = 0; i < n; i++) { /* prefixes nest: the last that holds others */
        const struct prefix *w = claims[widest].prefix, *p = claims[i].prefix;

        if (w->family == p->family && address_compare(&p->range.lo, &w->range.hi) <= 0)
            claims_mistake(c, &claims[widest], &claims[i]);
        else
            widest = i;
    }
    return 0;
}

/* --- the whole --- */

static int references_check(struct check *c) {
    const struct site *s = c->site;
    int r = 0;

    for (size_t i = 0; i < s->n_products && r == 0; i++)
        r = product_check(c, &s->products[i]);
    for (size_t i = 0; i < s->n_hosts; i++)
        for (size_t j = 0; j < s->hosts[i].roles.n; j++)
            path_check(c, &s->hosts[i].roles.items[j], true);
    for (size_t i = 0; i < s->n_flows; i++) {
        selectors_check(c, &s->flows[i].from);
        selectors_check(c, &s->flows[i].to);
    }
    for (size_t i = 0; i < s->audit.n && r == 0; i++)
        r = audited_check(c, &s->audit.items[i]);
    return r;
}

int site_check(const struct site *site, const struct policy *const *policies, size_t n_policies,
               struct report *reterr) {
    _cleanup_(arena_freep) struct arena *scratch = arena_new();
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    struct check c = { .l = { .arena = scratch, .scratch = scratch, .report = &report },
                       .site = site };
    int r;

    if (!scratch)
        return -ENOMEM;
    r = policies_check(&c, policies, n_policies);
    if (r == 0)
        r = names_of(&c.hosts, scratch, site->hosts, site->n_hosts, sizeof(*site->hosts));
    c.hosts.is_open = site->lacks_hosts;
    if (r == 0)
        r = references_check(&c);
    if (r == 0)
        r = addresses_check(&c);
    if (r < 0)
        return r;
    if (report_is_empty(&report))
        return 0;
    report_sort(&report);
    report_append(reterr, &report);
    return LOAD_E_INVALID;
}
