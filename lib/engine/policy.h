/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_POLICY_H
#define PORTD_ENGINE_POLICY_H

#include "base/arena.h"
#include "base/report.h"
#include "engine/address.h"
#include "engine/doc.h"
#include "engine/service.h"

/* What the files say, each value checked by itself: a policy (a product's port table) and a site
 * (the deployment). References between them are checked by site_check(), resolved by
 * intent_resolve(). Formats: policy/policy.schema.json, policy/site.schema.json. */

/* Limits of one file or one product; above them the file is refused. */
#define POLICY_SIZE_MAX ((size_t)4 << 20)  /* bytes */
#define SITE_SIZE_MAX   ((size_t)64 << 20) /* bytes */
#define FLOWS_MAX       10000U
#define ENTRIES_MAX     10000U /* of "roles", "peers", "features", "ports", "products" each */
#define HOSTS_MAX       100000U
#define PREFIXES_MAX    1000000U
#define HOSTNAMES_MAX   1000U /* of one file */
#define NAME_LENGTH_MAX 63U

/* The product whose policy applies to every host. */
#define PRODUCT_BASELINE "host-baseline"
/* What stands for a product in the ids of a site's own rows. */
#define PRODUCT_SITE "site"

/* A string of a file and where it stood. */
struct word {
    const char *text;
    const struct node *node;
};

struct words {
    struct word *items;
    size_t n;
};

struct prefix {
    enum family family;
    struct range range;
    const struct node *node;
};

struct prefixes {
    struct prefix *items;
    size_t n;
};

struct flow_service {
    struct service_spec spec;
    const struct node *node;
};

/* One row of a table. Selectors in `from` and `to`: a role, a peer, "internal", "os:linux",
 * "os:windows", "any", "self" (the host that enforces); in a site's own rows also "host:NAME",
 * a prefix, "all", "management", "product/role" and "product/peer". */
struct flow {
    const char *id;
    struct words from, to;
    struct flow_service *services;
    size_t n_services;
    struct words when; /* features, all of which must be on */
    bool broadcast;    /* the sender may also use the link's broadcast address (IPv4) */
    const char *title; /* "" when a site's own row has none */
    const char *ref;   /* NULL: none (sites only) */
    const char *note;  /* NULL: none */
    const struct node *node;
};

struct role {
    const char *name, *title;
    const struct node *node;
};

/* Who a peer is when the site doesn't say: any address, those that DNS gives for its host names,
 * or nobody. */
struct peer {
    const char *name, *title;
    bool default_any;
    struct words hostnames;
    bool hostnames_only; /* a site binds it to host names or to nobody, never to addresses */
    const struct node *node;
};

struct feature {
    const char *name, *title;
    bool default_on;
    const struct node *node;
};

struct port {
    const char *name, *title;
    uint16_t number;   /* the vendor's default; 0: none, a site has to name it */
    bool fixed;        /* a site must not override it */
    uint16_t *choices; /* what a site may override it with; none: any port */
    size_t n_choices;
    const struct node *node;
};

struct policy {
    struct arena *arena;
    const char *file;
    const char *product, *title;
    const char *source; /* the vendor's page; "" when the policy doesn't say */
    struct words notes; /* where the page leaves room: the reading that was chosen, and why */
    struct role *roles;
    struct peer *peers;
    struct feature *features;
    struct port *ports;
    struct flow *flows;
    size_t n_roles, n_peers, n_features, n_ports, n_flows;
    const struct node *node; /* of the product's name */
    bool is_draft;
    struct { /* names of a draft that could not all be read: another may be one of them */
        bool roles, peers, features, ports;
    } lacks;
};

enum mode { MODE_ENFORCE, MODE_AUDIT, MODE_OFF, MODE_MAX };
enum deny { DENY_DROP, DENY_REJECT, DENY_MAX };
enum os { OS_LINUX, OS_WINDOWS, OS_MAX };
/* What becomes of policies that a package brought: in force at once, or, where they would open
 * something or close something in use, only when somebody asks for it. */
enum updates { UPDATES_APPLY, UPDATES_HOLD, UPDATES_MAX };

const char *mode_name(enum mode m);
const char *deny_name(enum deny d);
const char *os_name(enum os o);
const char *updates_name(enum updates u);

/* Overrides of one product, in the order of the file; a name that the policy doesn't have is a
 * mistake of site_check(). */
struct site_feature {
    struct word name;
    bool on;
};
struct site_port {
    struct word name;
    uint16_t number;
    const struct node *node;
};
struct site_peer {
    struct word name;
    struct prefixes prefixes; /* the word "any" gives 0.0.0.0/0 and ::/0 */
    struct words hostnames;
    bool any;
};
struct site_product {
    struct word name;
    struct site_feature *features;
    struct site_port *ports;
    struct site_peer *peers;
    size_t n_features, n_ports, n_peers;
};

struct host {
    const char *name;
    struct words roles; /* "product/ROLE" */
    struct prefixes addresses;
    enum os os;
    const struct node *node;
};

struct site {
    struct arena *arena;
    const char *file;
    const char *name;
    enum mode ingress, egress;
    enum deny deny_ingress, deny_egress;
    bool seal; /* nobody else may write to the table */
    enum updates updates;
    struct words audit; /* products, "product/flow" and "product/ROLE" */
    struct prefixes management;
    struct site_product *products;
    struct host *hosts; /* in the order of the file */
    struct flow *flows; /* the site's own rows */
    size_t n_products, n_hosts, n_flows;
    const struct host **hosts_by_name; /* sorted, for site_host() */
    bool is_draft;
    bool lacks_hosts; /* of a draft: not all could be read */
};

/* A file's text, with a NUL behind its last byte, and its name for messages. */
struct source {
    const char *file;
    const char *text;
    size_t size;
};

enum { LOAD_E_INVALID = 1 }; /* the author's mistakes, all of them in *reterr */

/* With LOAD_E_INVALID *ret is a draft (.is_draft): what could be understood of the file, for
 * site_check(), so that the author is told of unknown names in the same go; intent_resolve()
 * refuses it. What could not be understood is left out of it, zero or "". *ret is NULL when that
 * is all: of a policy without the name of its product, of a site when one file is not JSON. */
int policy_load(const struct source *source, struct policy **ret, struct report *reterr);
/* sources[0] is the site file, the others its drop-ins in the order of merging. */
int site_load(const struct source *sources, size_t n, struct site **ret, struct report *reterr);

struct policy *policy_free(struct policy *p);
struct site *site_free(struct site *s);
DEFINE_CLEANUP(struct policy *, policy_free);
DEFINE_CLEANUP(struct site *, site_free);

/* Everything one file says about another: unknown products, roles, peers, features and ports,
 * fixed ports, choices, two hosts with one address, two policies of one product. 0 or
 * LOAD_E_INVALID. Of drafts only what they say for certain is judged. A policy that is NULL could
 * not be read: any product may be its. */
int site_check(const struct site *site, const struct policy *const *policies, size_t n_policies,
               struct report *reterr);

/* The policy of a product, its peer or the host of a name, or NULL. */
const struct policy *policy_find(const struct policy *const *policies, size_t n,
                                 const char *product);
const struct peer *policy_peer(const struct policy *p, const char *name);
/* Whether rows differ by a host's operating system. */
bool policy_has_os_rows(const struct policy *p);
const struct host *site_host(const struct site *site, const char *name);

#endif
