/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The site file and its drop-ins are merged as documents, before any table reads them: so what
 * counts is checked once, and a drop-in can complete or correct what the site file says. Every
 * node remembers its own file. */
#include "engine/audited.h"
#include "engine/flow.h"

#include "base/quote.h"

#include <errno.h>
#include <string.h>

/* The index of `n` in a list of words; 0 with a mistake that lists them. */
static int word_index(struct loader *l, const struct node *n, const char *what,
                      const char *(*name)(unsigned), unsigned n_names) {
    struct names allowed = { 0 };

    for (unsigned i = 0; i < n_names; i++) {
        const char *word = name(i);

        if (strcmp(n->string, word) == 0)
            return (int)i;
        if (names_collect(&allowed, l->scratch, &word, 1, sizeof(word)) < 0)
            return -ENOMEM;
    }
    mistake_unknown(l, n, n->string, what, &allowed);
    return 0;
}

static const char *mode_word(unsigned i) {
    return mode_name((enum mode)i);
}

static const char *deny_word(unsigned i) {
    return deny_name((enum deny)i);
}

static const char *os_word(unsigned i) {
    return os_name((enum os)i);
}

static const char *updates_word(unsigned i) {
    return updates_name((enum updates)i);
}

static int read_mode(struct loader *l, const struct node *n, void *record) {
    int r = word_index(l, n, "mode", mode_word, MODE_MAX);

    if (r >= 0)
        *(enum mode *)record = (enum mode)r;
    return r < 0 ? r : 0;
}

static int read_deny(struct loader *l, const struct node *n, void *record) {
    int r = word_index(l, n, "way to deny", deny_word, DENY_MAX);

    if (r >= 0)
        *(enum deny *)record = (enum deny)r;
    return r < 0 ? r : 0;
}

static int read_os(struct loader *l, const struct node *n, void *record) {
    int r = word_index(l, n, "operating system", os_word, OS_MAX);

    if (r >= 0)
        *(enum os *)record = (enum os)r;
    return r < 0 ? r : 0;
}

static int read_updates(struct loader *l, const struct node *n, void *record) {
    int r = word_index(l, n, "way with policy updates", updates_word, UPDATES_MAX);

    if (r >= 0)
        *(enum updates *)record = (enum updates)r;
    return r < 0 ? r : 0;
}

static int read_denies(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "ingress", NODE_STRING, false, offsetof(struct site, deny_ingress), read_deny,
          "\"drop\"" },
        { "egress", NODE_STRING, false, offsetof(struct site, deny_egress), read_deny,
          "\"reject\"" },
    };

    return fields_read(l, n, fields, ARRAY_SIZE(fields), record);
}

static int read_audit(struct loader *l, const struct node *n, void *record) {
    struct words *audit = record;
    int r = strings_read(l, n, audit, "\"jtel-acd/rest\"");

    for (size_t i = 0; i < audit->n && r == 0; i++) {
        const struct word *w = &audit->items[i];
        char quoted[QUOTE_TEXT_MAX];
        struct audited a;

        if (w->node->type == NODE_STRING && !audited_parse(w->text, &a))
            mistake(l, w->node,
                    "%s is nothing that can be audited: write a product, product/flow or "
                    "product/ROLE, as in jtel-acd/rest",
                    text_quote(w->text, quoted));
    }
    return r < 0 ? r : strings_check_unique(l, n);
}

/* --- products --- */

static struct word key_word(const struct node *n) {
    return (struct word){ .text = n->key, .node = n };
}

static int feature_read(struct loader *l, const struct node *n, void *record) {
    struct site_feature *f = record;

    f->name = key_word(n);
    return node_is(l, n, NODE_BOOLEAN, NULL) ? read_boolean(l, n, &f->on) : 0;
}

static int port_read(struct loader *l, const struct node *n, void *record) {
    struct site_port *p = record;

    p->name = key_word(n);
    p->node = n;
    return read_port(l, n, &p->number);
}

/* "any": 0.0.0.0/0 and ::/0. */
static int peer_set_any(struct loader *l, const struct node *n, struct site_peer *p) {
    struct prefix *both = arena_alloc(l->arena, FAMILY_MAX * sizeof(*both));

    if (!both)
        return -ENOMEM;
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        both[f] = (struct prefix){ .family = f, .node = n };
        memset(both[f].range.hi.bytes, 0xff, family_size(f));
    }
    p->any = true;
    p->prefixes = (struct prefixes){ .items = both, .n = FAMILY_MAX };
    return 0;
}

static int peer_read(struct loader *l, const struct node *n, void *record) {
    struct site_peer *p = record;

    p->name = key_word(n);
    if (n->type == NODE_ARRAY)
        return read_addressees(l, n, p);
    if (n->type == NODE_STRING && strcmp(n->string, "any") == 0)
        return peer_set_any(l, n, p);
    mistake(l, n,
            "must be a list of addresses, networks and host names, as in [\"10.9.0.0/24\", "
            "\"sip.example.net\"], or \"any\"");
    return 0;
}

static int read_features(struct loader *l, const struct node *n, void *record) {
    struct site_product *p = record;

    return children_read(l, n, sizeof(*p->features), ENTRIES_MAX, feature_read, &p->features,
                         &p->n_features);
}

static int read_ports(struct loader *l, const struct node *n, void *record) {
    struct site_product *p = record;

    return children_read(l, n, sizeof(*p->ports), ENTRIES_MAX, port_read, &p->ports, &p->n_ports);
}

static int read_peers(struct loader *l, const struct node *n, void *record) {
    struct site_product *p = record;

    return children_read(l, n, sizeof(*p->peers), ENTRIES_MAX, peer_read, &p->peers, &p->n_peers);
}

static int product_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "features", NODE_OBJECT, false, 0, read_features, "{ \"redundant\": true }" },
        { "ports", NODE_OBJECT, false, 0, read_ports, "{ \"rest\": 8092 }" },
        { "peers", NODE_OBJECT, false, 0, read_peers, "{ \"voice-peers\": [\"10.9.0.0/24\"] }" },
    };

    ((struct site_product *)record)->name = key_word(n);
    return fields_read(l, n, fields, ARRAY_SIZE(fields), record);
}

static int read_products(struct loader *l, const struct node *n, void *record) {
    struct site *s = record;

    return children_read(l, n, sizeof(*s->products), ENTRIES_MAX, product_read, &s->products,
                         &s->n_products);
}

/* --- hosts --- */

static int read_roles(struct loader *l, const struct node *n, void *record) {
    struct words *roles = record;
    int r = strings_read(l, n, roles, "\"jtel-acd/ACD-LB\"");

    for (size_t i = 0; i < roles->n && r == 0; i++) {
        const struct word *w = &roles->items[i];
        char quoted[QUOTE_TEXT_MAX];

        if (w->node->type == NODE_STRING && selector_kind(w->text) != SELECTOR_PRODUCT)
            mistake(l, w->node, "%s is no role: write product/ROLE, as in jtel-acd/ACD-LB",
                    text_quote(w->text, quoted));
    }
    return r < 0 ? r : strings_check_unique(l, n);
}

static int read_addresses(struct loader *l, const struct node *n, void *record) {
    array_check_not_empty(l, n, "give at least one address, as in \"10.1.0.21\"");
    return read_prefixes(l, n, record);
}

static int host_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "roles", NODE_ARRAY, false, offsetof(struct host, roles), read_roles,
          "[\"jtel-acd/ACD-LB\"]" },
        { "addresses", NODE_ARRAY, true, offsetof(struct host, addresses), read_addresses,
          "[\"10.1.0.21\"]" },
        { "os", NODE_STRING, false, offsetof(struct host, os), read_os, "\"linux\"" },
    };

    *(struct host *)record = (struct host){ .name = n->key, .os = OS_LINUX, .node = n };
    key_check(l, n);
    return fields_read(l, n, fields, ARRAY_SIZE(fields), record);
}

static int host_compare(const void *x, const void *y) {
    const struct host *a = *(const struct host *const *)x, *b = *(const struct host *const *)y;

    return strcmp(a->name, b->name);
}

#define HOST_EXAMPLE "{ \"acd-lb1\": { \"addresses\": [\"10.1.0.21\"] } }"

static int read_hosts(struct loader *l, const struct node *n, void *record) {
    struct site *s = record;
    int r = children_read(l, n, sizeof(*s->hosts), HOSTS_MAX, host_read, &s->hosts, &s->n_hosts);

    if (r < 0)
        return r;
    if (n->n_children == 0)
        mistake(l, n, "must not be empty: name the hosts of the site, as in " HOST_EXAMPLE);
    s->hosts_by_name = arena_alloc(l->arena, s->n_hosts * sizeof(*s->hosts_by_name));
    if (!s->hosts_by_name)
        return -ENOMEM;
    for (size_t i = 0; i < s->n_hosts; i++)
        s->hosts_by_name[i] = &s->hosts[i];
    qsort(s->hosts_by_name, s->n_hosts, sizeof(*s->hosts_by_name), host_compare);
    return 0;
}

static const struct field site_fields[] = {
    { "format", NODE_INTEGER, true, 0, read_format, "1" },
    { "site", NODE_STRING, true, offsetof(struct site, name), read_name, "\"berlin\"" },
    { "ingress", NODE_STRING, false, offsetof(struct site, ingress), read_mode, "\"enforce\"" },
    { "egress", NODE_STRING, false, offsetof(struct site, egress), read_mode, "\"enforce\"" },
    { "deny", NODE_OBJECT, false, 0, read_denies, "{ \"ingress\": \"drop\" }" },
    { "audit", NODE_ARRAY, false, offsetof(struct site, audit), read_audit, "[\"jtel-acd/rest\"]" },
    { "seal", NODE_BOOLEAN, false, offsetof(struct site, seal), read_boolean, NULL },
    { "policy_updates", NODE_STRING, false, offsetof(struct site, updates), read_updates,
      "\"hold\"" },
    { "management", NODE_ARRAY, false, offsetof(struct site, management), read_prefixes,
      "[\"10.0.0.0/24\"]" },
    { "products", NODE_OBJECT, false, 0, read_products, "{ \"jtel-acd\": {} }" },
    { "hosts", NODE_OBJECT, true, 0, read_hosts, HOST_EXAMPLE },
    { "flows", NODE_ARRAY, false, 0, read_site_flows, "[]" },
};

/* --- files --- */

/* One file as a document, or NULL when nothing can be read of it. */
static int source_parse(struct loader *l, const struct source *source, struct node **ret) {
    const char *file = arena_strdup(l->arena, source->file);
    struct node *root = NULL;
    int r = 0;

    *ret = NULL;
    if (!file)
        return -ENOMEM;
    if (source->size > SITE_SIZE_MAX)
        report_add(l->report, (struct place){ .file = file },
                   "larger than the %zu MiB that a site may have", SITE_SIZE_MAX >> 20);
    else
        r = doc_parse(source->text, source->size, file, l->arena, &root, l->report);
    if (r >= 0 && root && node_is(l, root, NODE_OBJECT, NULL))
        *ret = root;
    return r < 0 ? r : 0;
}

/* All files as one document, or NULL when one of them could not be parsed: what the others say
 * without it may not be what they mean. */
static int sources_merge(struct loader *l, const struct source *sources, size_t n,
                         struct node **ret) {
    struct node *root = NULL;
    bool complete = true;
    int r;

    for (size_t i = 0; i < n; i++) {
        struct node *one;

        r = source_parse(l, &sources[i], &one);
        if (r < 0)
            return r;
        complete = complete && one;
        if (i == 0)
            root = one;
        else if (complete) {
            r = doc_merge(l->arena, root, one);
            if (r < 0)
                return r;
        }
    }
    *ret = complete ? root : NULL;
    return 0;
}

/* What flows refer to may be one that is still to be named. */
static bool has_unnamed_host(const struct site *s) {
    for (size_t i = 0; i < s->n_hosts; i++)
        if (text_is_blank(s->hosts[i].name))
            return true;
    return false;
}

static int site_read(struct loader *l, const struct node *root, struct site *s) {
    int r = fields_read(l, root, site_fields, ARRAY_SIZE(site_fields), s);

    s->lacks_hosts =
        !member_was_read(root, site_fields, ARRAY_SIZE(site_fields), "hosts", s->n_hosts) ||
        has_unnamed_host(s);
    return r;
}

static int site_new(const char *file, struct site **ret) {
    _cleanup_(site_freep) struct site *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->arena = arena_new();
    if (!s->arena)
        return -ENOMEM;
    s->file = arena_strdup(s->arena, file);
    if (!s->file)
        return -ENOMEM;
    s->name = "";
    s->deny_egress = DENY_REJECT;
    s->seal = true;
    *ret = TAKE_PTR(s);
    return 0;
}

int site_load(const struct source *sources, size_t n, struct site **ret, struct report *reterr) {
    _cleanup_(arena_freep) struct arena *scratch = arena_new();
    _cleanup_(site_freep) struct site *s = NULL;
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    struct loader l = { .scratch = scratch, .report = &report };
    struct node *root;
    int r;

    assert(n > 0);
    if (!scratch)
        return -ENOMEM;
    r = site_new(sources[0].file, &s);
    if (r < 0)
        return r;
    l.arena = s->arena;
    r = sources_merge(&l, sources, n, &root);
    if (r == 0 && root)
        r = site_read(&l, root, s);
    if (r < 0)
        return r;
    s->is_draft = !report_is_empty(&report);
    r = s->is_draft ? LOAD_E_INVALID : 0;
    report_sort(&report);
    report_append(reterr, &report);
    *ret = root ? TAKE_PTR(s) : NULL;
    return r;
}

struct site *site_free(struct site *s) {
    if (s) {
        arena_free(s->arena);
        free(s);
    }
    return NULL;
}

const struct host *site_host(const struct site *site, const char *name) {
    const struct host wanted = { .name = name }, *key = &wanted;
    const struct host **found = NULL;

    if (site->n_hosts > 0)
        found = bsearch(&key, site->hosts_by_name, site->n_hosts, sizeof(*found), host_compare);
    return found ? *found : NULL;
}
