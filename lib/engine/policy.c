/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two passes: the tables read each member by itself, then every reference of a row is looked up
 * among the names of the same file. The second pass runs although the first found mistakes, so
 * that the author gets all of them at once; what is half-read has empty names, never NULL. */
#include "engine/policy.h"

#include "base/quote.h"
#include "engine/flow.h"

#include <errno.h>
#include <string.h>

static const char *const mode_names[] = {
    [MODE_ENFORCE] = "enforce",
    [MODE_AUDIT] = "audit",
    [MODE_OFF] = "off",
};
static_assert(ARRAY_SIZE(mode_names) == MODE_MAX, "a mode has no name");

static const char *const deny_names[] = { [DENY_DROP] = "drop", [DENY_REJECT] = "reject" };
static_assert(ARRAY_SIZE(deny_names) == DENY_MAX, "a way to deny has no name");

static const char *const os_names[] = { [OS_LINUX] = "linux", [OS_WINDOWS] = "windows" };
static_assert(ARRAY_SIZE(os_names) == OS_MAX, "a system has no name");

static const char *const updates_names[] = { [UPDATES_APPLY] = "apply", [UPDATES_HOLD] = "hold" };
static_assert(ARRAY_SIZE(updates_names) == UPDATES_MAX, "a way with updates has no name");

const char *mode_name(enum mode m) {
    return mode_names[m];
}

const char *deny_name(enum deny d) {
    return deny_names[d];
}

const char *os_name(enum os o) {
    return os_names[o];
}

const char *updates_name(enum updates u) {
    return updates_names[u];
}

static int read_product(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;
    char quoted[QUOTE_TEXT_MAX];

    p->product = n->string;
    p->node = n;
    if (!product_name_is_valid(n->string))
        mistake(l, n,
                "%s is not a product's name: 1 to 63 letters, digits, '.' and '-', the first "
                "a letter",
                text_quote(n->string, quoted));
    else if (product_name_is_reserved(n->string))
        mistake(l, n, "\"%s\" names address sets and rows of the site itself: choose another name",
                n->string);
    return 0;
}

static void party_key_check(struct loader *l, const struct node *n) {
    key_check(l, n);
    if (name_is_reserved(n->key))
        mistake(l, n, "\"%s\" has a meaning of its own as a selector: choose another name", n->key);
    if (party_name_is_reserved(n->key))
        mistake(l, n, "\"%s\" names the address sets of os:%s: choose another name", n->key,
                n->key + strlen("os-"));
}

static int role_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "title", NODE_STRING, false, offsetof(struct role, title), read_text, NULL },
    };

    *(struct role *)record = (struct role){ .name = n->key, .title = "", .node = n };
    party_key_check(l, n);
    return fields_read(l, n, fields, ARRAY_SIZE(fields), record);
}

static int read_peer_default(struct loader *l, const struct node *n, void *record) {
    char quoted[QUOTE_TEXT_MAX];

    *(bool *)record = strcmp(n->string, "any") == 0;
    if (strcmp(n->string, "any") != 0)
        mistake(l, n, "%s: the default of a peer is \"any\", or left out for nobody",
                text_quote(n->string, quoted));
    return 0;
}

static int peer_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "title", NODE_STRING, false, offsetof(struct peer, title), read_text, NULL },
        { "default", NODE_STRING, false, offsetof(struct peer, default_any), read_peer_default,
          "\"any\"" },
        { "hostnames", NODE_ARRAY, false, offsetof(struct peer, hostnames), read_hostnames,
          "[\"licence.example.net\"]" },
        { "hostnames_only", NODE_BOOLEAN, false, offsetof(struct peer, hostnames_only),
          read_boolean, NULL },
    };
    struct peer *p = record;
    int r;

    *p = (struct peer){ .name = n->key, .title = "", .node = n };
    party_key_check(l, n);
    r = fields_read(l, n, fields, ARRAY_SIZE(fields), p);
    if (r == 0 && p->default_any && (p->hostnames.n > 0 || p->hostnames_only))
        mistake(l, n, "any address and host names exclude each other: leave out one of the two");
    return r;
}

static int feature_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "title", NODE_STRING, false, offsetof(struct feature, title), read_text, NULL },
        { "default", NODE_BOOLEAN, false, offsetof(struct feature, default_on), read_boolean,
          NULL },
    };

    *(struct feature *)record = (struct feature){ .name = n->key, .title = "", .node = n };
    key_check(l, n);
    return fields_read(l, n, fields, ARRAY_SIZE(fields), record);
}

static int choice_read(struct loader *l, const struct node *n, void *record) {
    return read_port(l, n, record);
}

static int read_choices(struct loader *l, const struct node *n, void *record) {
    struct port *port = record;

    array_check_not_empty(l, n, "leave it out where any port may be chosen");
    return children_read(l, n, sizeof(*port->choices), UINT16_MAX, choice_read, &port->choices,
                         &port->n_choices);
}

static void choices_check(struct loader *l, const struct port *port) {
    bool has_default = port->n_choices == 0 || port->number == 0;

    for (size_t i = 0; i < port->n_choices; i++)
        has_default = has_default || port->choices[i] == port->number;
    if (!has_default)
        mistake(l, port->node, "the default %u is not among the choices: add it", port->number);
    if (port->fixed && !node_member(port->node, "default"))
        mistake(l, port->node, "a fixed port needs its number: add \"default\"");
    if (port->fixed && port->n_choices > 0)
        mistake(l, port->node, "a fixed port has no choices: leave out one of the two");
}

static int port_read(struct loader *l, const struct node *n, void *record) {
    static const struct field fields[] = {
        { "title", NODE_STRING, false, offsetof(struct port, title), read_text, NULL },
        { "default", NODE_INTEGER, false, offsetof(struct port, number), read_port, "8091" },
        { "fixed", NODE_BOOLEAN, false, offsetof(struct port, fixed), read_boolean, NULL },
        { "choices", NODE_ARRAY, false, 0, read_choices, "[25, 465, 587]" },
    };
    int r;

    *(struct port *)record = (struct port){ .name = n->key, .title = "", .node = n };
    key_check(l, n);
    r = fields_read(l, n, fields, ARRAY_SIZE(fields), record);
    if (r == 0)
        choices_check(l, record);
    return r;
}

static int read_roles(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;

    return children_read(l, n, sizeof(*p->roles), ENTRIES_MAX, role_read, &p->roles, &p->n_roles);
}

static int read_peers(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;

    return children_read(l, n, sizeof(*p->peers), ENTRIES_MAX, peer_read, &p->peers, &p->n_peers);
}

static int read_features(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;

    return children_read(l, n, sizeof(*p->features), ENTRIES_MAX, feature_read, &p->features,
                         &p->n_features);
}

static int read_ports(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;

    return children_read(l, n, sizeof(*p->ports), ENTRIES_MAX, port_read, &p->ports, &p->n_ports);
}

static const struct field policy_fields[] = {
    { "format", NODE_INTEGER, true, 0, read_format, "1" },
    { "product", NODE_STRING, true, 0, read_product, "\"jtel-acd\"" },
    { "title", NODE_STRING, true, offsetof(struct policy, title), read_text, "\"jtel ACD\"" },
    { "source", NODE_STRING, false, offsetof(struct policy, source), read_text, NULL },
    { "notes", NODE_ARRAY, false, offsetof(struct policy, notes), read_texts, NULL },
    { "roles", NODE_OBJECT, false, 0, read_roles,
      "{ \"ACD-LB\": { \"title\": \"Load balancers\" } }" },
    { "peers", NODE_OBJECT, false, 0, read_peers,
      "{ \"voice-peers\": { \"title\": \"Telephone exchanges\" } }" },
    { "features", NODE_OBJECT, false, 0, read_features,
      "{ \"redundant\": { \"default\": false } }" },
    { "ports", NODE_OBJECT, false, 0, read_ports, "{ \"rest\": { \"default\": 8091 } }" },
    { "flows", NODE_ARRAY, true, 0, read_policy_flows, "[]" },
};

/* What a row can refer to. */
struct references {
    struct names roles, parties, features, ports;
};

static int references_collect(struct references *refs, const struct policy *p, struct arena *a) {
    int r = names_collect(&refs->roles, a, p->roles, p->n_roles, sizeof(*p->roles));

    if (r == 0)
        r = names_collect(&refs->parties, a, p->roles, p->n_roles, sizeof(*p->roles));
    if (r == 0)
        r = names_collect(&refs->parties, a, p->peers, p->n_peers, sizeof(*p->peers));
    if (r == 0)
        r = names_collect(&refs->features, a, p->features, p->n_features, sizeof(*p->features));
    if (r == 0)
        r = names_collect(&refs->ports, a, p->ports, p->n_ports, sizeof(*p->ports));
    names_sort(&refs->roles);
    names_sort(&refs->parties);
    names_sort(&refs->features);
    names_sort(&refs->ports);
    refs->parties.is_open = p->lacks.roles || p->lacks.peers;
    refs->features.is_open = p->lacks.features;
    refs->ports.is_open = p->lacks.ports;
    return r;
}

static void parties_check(struct loader *l, const struct words *words,
                          const struct references *refs) {
    for (size_t i = 0; i < words->n; i++) {
        const struct word *w = &words->items[i];

        if (selector_kind(w->text) == SELECTOR_NAME && names_lack(&refs->parties, w->text))
            mistake_unknown(l, w->node, w->text, "role and no peer of this policy", &refs->parties);
    }
}

static void features_check(struct loader *l, const struct words *words,
                           const struct references *refs) {
    for (size_t i = 0; i < words->n; i++) {
        const struct word *w = &words->items[i];

        if (w->node->type == NODE_STRING && names_lack(&refs->features, w->text))
            mistake_unknown(l, w->node, w->text, "feature of this policy", &refs->features);
    }
}

static void flow_check(struct loader *l, const struct flow *f, const struct references *refs) {
    parties_check(l, &f->from, refs);
    parties_check(l, &f->to, refs);
    features_check(l, &f->when, refs);
    for (size_t i = 0; i < f->n_services; i++) {
        const char *name = f->services[i].spec.port_name;

        if (name && names_lack(&refs->ports, name))
            mistake_unknown(l, f->services[i].node, name, "port of this policy", &refs->ports);
    }
}

static int policy_check(struct loader *l, const struct policy *p) {
    struct references refs = { 0 };
    int r = references_collect(&refs, p, l->scratch);

    if (r < 0)
        return r;
    for (size_t i = 0; i < p->n_peers; i++)
        if (names_have(&refs.roles, p->peers[i].name))
            mistake(l, p->peers[i].node,
                    "a role has this name, too: choose another, selectors name both");
    for (size_t i = 0; i < p->n_flows; i++)
        flow_check(l, &p->flows[i], &refs);
    return 0;
}

static bool is_missing(const struct node *root, const char *key, size_t n_read) {
    return !member_was_read(root, policy_fields, ARRAY_SIZE(policy_fields), key, n_read);
}

static int policy_read(struct loader *l, const struct source *source, struct policy *p) {
    struct node *root;
    int r = doc_parse(source->text, source->size, p->file, l->arena, &root, l->report);

    if (r < 0 || !root)
        return r;
    r = fields_read(l, root, policy_fields, ARRAY_SIZE(policy_fields), p);
    if (r < 0)
        return r;
    p->lacks.roles = is_missing(root, "roles", p->n_roles);
    p->lacks.peers = is_missing(root, "peers", p->n_peers);
    p->lacks.features = is_missing(root, "features", p->n_features);
    p->lacks.ports = is_missing(root, "ports", p->n_ports);
    return policy_check(l, p);
}

static int policy_new(const char *file, struct policy **ret) {
    _cleanup_(policy_freep) struct policy *p = calloc(1, sizeof(*p));

    if (!p)
        return -ENOMEM;
    p->arena = arena_new();
    if (!p->arena)
        return -ENOMEM;
    p->file = arena_strdup(p->arena, file);
    if (!p->file)
        return -ENOMEM;
    p->product = p->title = p->source = "";
    *ret = TAKE_PTR(p);
    return 0;
}

int policy_load(const struct source *source, struct policy **ret, struct report *reterr) {
    _cleanup_(arena_freep) struct arena *scratch = arena_new();
    _cleanup_(policy_freep) struct policy *p = NULL;
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    struct loader l = { .scratch = scratch, .report = &report };
    int r;

    if (!scratch)
        return -ENOMEM;
    r = policy_new(source->file, &p);
    if (r < 0)
        return r;
    l.arena = p->arena;
    if (source->size > POLICY_SIZE_MAX)
        report_add(&report, (struct place){ .file = p->file },
                   "larger than the %zu MiB that a policy may have", POLICY_SIZE_MAX >> 20);
    else
        r = policy_read(&l, source, p);
    if (r < 0)
        return r;
    p->is_draft = !report_is_empty(&report);
    r = p->is_draft ? LOAD_E_INVALID : 0;
    report_sort(&report);
    report_append(reterr, &report);
    *ret = product_name_is_valid(p->product) ? TAKE_PTR(p) : NULL;
    return r;
}

struct policy *policy_free(struct policy *p) {
    if (p) {
        arena_free(p->arena);
        free(p);
    }
    return NULL;
}

const struct policy *policy_find(const struct policy *const *policies, size_t n,
                                 const char *product) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(policies[i]->product, product) == 0)
            return policies[i];
    return NULL;
}

const struct peer *policy_peer(const struct policy *p, const char *name) {
    for (size_t i = 0; i < p->n_peers; i++)
        if (strcmp(p->peers[i].name, name) == 0)
            return &p->peers[i];
    return NULL;
}

bool policy_has_os_rows(const struct policy *p) {
    for (size_t i = 0; i < p->n_flows; i++) {
        const struct words *both[] = { &p->flows[i].from, &p->flows[i].to };

        for (size_t j = 0; j < ARRAY_SIZE(both); j++)
            for (size_t k = 0; k < both[j]->n; k++)
                if (strncmp(both[j]->items[k].text, "os:", 3) == 0)
                    return true;
    }
    return false;
}
