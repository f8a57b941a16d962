/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shown is what a site has to say, and what a vendor lets it choose: features, ports that have
 * choices or no number, peers that are nobody otherwise, the system where rows differ by it. What
 * is left out has a default that holds until somebody asks for another. */
#include "engine/template.h"

#include "engine/jsonlist.h"
#include "engine/roster.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

/* --- the request --- */

/* What was asked for, understood. */
struct selection {
    const struct policy **policies; /* of all products that were named */
    const struct policy **fresh;    /* of those that are new to the site */
    size_t n, n_fresh;
    struct roster roster;
};

static bool is_role_of(const char *role, const struct policy *p) {
    size_t n = strlen(p->product);

    return strncmp(role, p->product, n) == 0 && role[n] == '/';
}

static bool site_uses(const struct site *s, const struct policy *p) {
    for (size_t i = 0; i < s->n_products; i++)
        if (strcmp(s->products[i].name.text, p->product) == 0)
            return true;
    for (size_t i = 0; i < s->n_hosts; i++)
        for (size_t j = 0; j < s->hosts[i].roles.n; j++)
            if (is_role_of(s->hosts[i].roles.items[j].text, p))
                return true;
    return false;
}

struct reading {
    const struct template_request *request;
    const struct policy *const *policies; /* all that there are */
    size_t n_policies;
    struct arena *arena;
    struct report *report;
};

#define NOWHERE ((struct place){ 0 })

static int product_unknown(const struct reading *r, const char *name) {
    struct names names = { 0 };
    const char *text;

    for (size_t i = 0; i < r->n_policies; i++)
        if (strcmp(r->policies[i]->product, PRODUCT_BASELINE) != 0 &&
            names_collect(&names, r->arena, &r->policies[i]->product, 1, 0) < 0)
            return -ENOMEM;
    text = names_unknown(&names, name, "product that has a policy", r->arena);
    if (!text)
        return -ENOMEM;
    report_add(r->report, NOWHERE, "%s", text);
    return 0;
}

static int product_select(const struct reading *r, const char *name, struct selection *s) {
    const struct policy *p = policy_find(r->policies, r->n_policies, name);
    const struct site *site = r->request->site;

    if (strcmp(name, PRODUCT_BASELINE) == 0)
        report_add(r->report, NOWHERE,
                   PRODUCT_BASELINE " applies to every host without being named: leave it out");
    else if (!p)
        return product_unknown(r, name);
    else if (policy_find(s->policies, s->n, name))
        report_add(r->report, NOWHERE, "the product %s is named twice", name);
    else {
        s->policies[s->n++] = p;
        if (!site || !site_uses(site, p))
            s->fresh[s->n_fresh++] = p;
    }
    return 0;
}

/* A drop-in that has a host of the site would change it. */
static void roster_check_new(const struct roster *r, const struct site *site,
                             struct report *reterr) {
    for (size_t i = 0; i < r->n; i++) {
        const struct host *h = site_host(site, r->hosts[i].name);

        if (h)
            report_add(reterr,
                       (struct place){ .file = h->node->file,
                                       .line = h->node->line,
                                       .column = h->node->column },
                       "the host %s is in the site already: change it here", h->name);
    }
}

static int request_read(const struct reading *r, struct selection *ret) {
    const struct template_request *q = r->request;
    int e = 0;

    ret->policies = arena_alloc(r->arena, q->n_products * sizeof(*ret->policies));
    ret->fresh = arena_alloc(r->arena, q->n_products * sizeof(*ret->fresh));
    if (!ret->policies || !ret->fresh)
        return -ENOMEM;
    for (size_t i = 0; i < q->n_products && e == 0; i++)
        e = product_select(r, q->products[i], ret);
    if (e < 0 || ret->n == 0)
        return e;
    e = q->n_hosts > 0 ? roster_read(q->hosts, q->n_hosts, ret->policies, ret->n, r->arena,
                                     &ret->roster, r->report)
                       : roster_of_roles(ret->policies, ret->n, r->arena, &ret->roster);
    if (e == 0 && q->site)
        roster_check_new(&ret->roster, q->site, r->report);
    return e;
}

/* --- the file --- */

static json_t *blank(const char *format, ...) _printf_(1, 2);

static json_t *blank(const char *format, ...) {
    _cleanup_(freep) char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        text = NULL; /* undefined after a failed vasprintf() */
        return NULL;
    }
    return json_sprintf("<%s>", text);
}

static const char *title_or_name(const char *title, const char *name) {
    return *title ? title : name;
}

static json_t *features_json(const struct policy *p) {
    json_t *features = json_object();
    int r = 0;

    for (size_t i = 0; i < p->n_features && r == 0; i++)
        r = json_object_set_new(features, p->features[i].name,
                                json_boolean(p->features[i].default_on));
    return json_whole(features, r);
}

static json_t *port_json(const struct port *port, struct arena *a) {
    const char *title = title_or_name(port->title, port->name), *choices;

    if (port->number > 0)
        return json_integer(port->number);
    if (port->n_choices == 0)
        return blank("%s: a number without quotation marks, 1 to 65535", title);
    choices = numbers_list(port->choices, port->n_choices, a);
    return choices ? blank("%s: one of %s, without quotation marks", title, choices) : NULL;
}

static json_t *ports_json(const struct policy *p, struct arena *a) {
    json_t *ports = json_object();
    int r = 0;

    for (size_t i = 0; i < p->n_ports && r == 0; i++)
        if (p->ports[i].number == 0 || p->ports[i].n_choices > 0)
            r = json_object_set_new(ports, p->ports[i].name, port_json(&p->ports[i], a));
    return json_whole(ports, r);
}

static json_t *peers_json(const struct policy *p) {
    json_t *peers = json_object();
    int r = 0;

    for (size_t i = 0; i < p->n_peers && r == 0; i++) {
        const struct peer *peer = &p->peers[i];

        if (!peer->default_any && peer->hostnames.n == 0)
            r = json_object_set_new(
                peers, peer->name,
                json_pack("[o]",
                          blank("%s, as in %s", title_or_name(peer->title, peer->name),
                                peer->hostnames_only ? "licence.example.net" : "10.9.0.0/24")));
    }
    return json_whole(peers, r);
}

/* Takes `value`; an empty one is left out. */
static int section_add(json_t *object, const char *key, json_t *value) {
    if (value && json_object_size(value) == 0) {
        json_decref(value);
        return 0;
    }
    return json_object_set_new(object, key, value);
}

static json_t *product_json(const struct policy *p, struct arena *a) {
    json_t *product = json_object();
    int r = section_add(product, "features", features_json(p));

    if (r == 0)
        r = section_add(product, "ports", ports_json(p, a));
    if (r == 0)
        r = section_add(product, "peers", peers_json(p));
    return json_whole(product, r);
}

static json_t *products_json(const struct selection *s, struct arena *a) {
    json_t *products = json_object();
    int r = 0;

    for (size_t i = 0; i < s->n_fresh && r == 0; i++)
        r = json_object_set_new(products, s->fresh[i]->product, product_json(s->fresh[i], a));
    return json_whole(products, r);
}

/* "jtel-acd/ACD-LB, jtel-acd/ACD-JB": all of them, "" for none. */
static const char *role_choices(const struct selection *s, struct arena *a) {
    const char *list = "";

    for (size_t i = 0; i < s->n; i++)
        for (size_t j = 0; j < s->policies[i]->n_roles && list; j++)
            list = arena_printf(a, "%s%s%s/%s", list, *list ? ", " : "", s->policies[i]->product,
                                s->policies[i]->roles[j].name);
    return list;
}

static int roles_add(json_t *host, const struct roster_host *h, const struct selection *s,
                     struct arena *a) {
    const char *choices;

    if (h->roles.n > 0)
        return json_object_set_new(host, "roles", json_list_strings(h->roles.items, h->roles.n));
    choices = role_choices(s, a);
    if (!choices || !*choices)
        return choices ? 0 : -1;
    return json_object_set_new(host, "roles",
                               json_pack("[o]", blank("what %s is, one of %s", h->name, choices)));
}

static bool host_has_os_rows(const struct roster_host *h, const struct selection *s) {
    for (size_t i = 0; i < s->n; i++) {
        bool is_member = h->roles.n == 0;

        for (size_t j = 0; j < h->roles.n; j++)
            is_member = is_member || is_role_of(h->roles.items[j], s->policies[i]);
        if (is_member && policy_has_os_rows(s->policies[i]))
            return true;
    }
    return false;
}

static json_t *host_json(const struct roster_host *h, const struct selection *s, struct arena *a) {
    json_t *host = json_object();
    int r = roles_add(host, h, s, a);

    if (r == 0)
        r = json_object_set_new(
            host, "addresses",
            json_pack("[o]", blank("an address of %s, as in 10.1.0.21",
                                   text_is_blank(h->name) ? "this host" : h->name)));
    if (r == 0 && host_has_os_rows(h, s))
        r = json_object_set_new(host, "os", json_string(os_name(OS_LINUX)));
    return json_whole(host, r);
}

static json_t *hosts_json(const struct selection *s, struct arena *a) {
    json_t *hosts = json_object();
    int r = 0;

    for (size_t i = 0; i < s->roster.n && r == 0; i++)
        r = json_object_set_new(hosts, s->roster.hosts[i].name,
                                host_json(&s->roster.hosts[i], s, a));
    return json_whole(hosts, r);
}

/* What every site says, whatever its products. */
static json_t *head_json(void) {
    return json_pack("{s:i, s:o, s:s, s:s, s:{s:s, s:s}, s:[o]}", "format", 1, "site",
                     blank("the name of the site, as in berlin"), "ingress", mode_name(MODE_AUDIT),
                     "egress", mode_name(MODE_AUDIT), "deny", "ingress", deny_name(DENY_DROP),
                     "egress", deny_name(DENY_REJECT), "management",
                     blank("networks from which hosts are administered, as in 10.0.0.0/24"));
}

static json_t *site_json(const struct template_request *q, const struct selection *s,
                         struct arena *a) {
    json_t *site = q->site ? json_object() : head_json();
    int r = section_add(site, "products", products_json(s, a));

    if (r == 0)
        r = json_object_set_new(site, "hosts", hosts_json(s, a));
    return json_whole(site, r);
}

/* --- the whole --- */

static const char audit_note[] =
    "ingress and egress are \"audit\": nothing is denied yet; portd-ctl status says what would be, "
    "and when it has been quiet for long enough to write \"enforce\"";

/* The notes concern what is new; with a new site host-baseline is. */
static json_t *notes_json(const struct template_request *q, const struct selection *s,
                          const struct policy *const *policies, size_t n, struct arena *a) {
    const struct policy **about = arena_alloc(a, (s->n_fresh + 1) * sizeof(*about));
    size_t n_about = s->n_fresh;
    json_t *notes;

    if (!about)
        return NULL;
    memcpy(about, s->fresh, s->n_fresh * sizeof(*about));
    about[n_about] = q->site ? NULL : policy_find(policies, n, PRODUCT_BASELINE);
    n_about += about[n_about] != NULL;
    notes = template_notes(about, n_about);
    if (!q->site && json_array_append_new(notes, json_string(audit_note)) < 0) {
        json_decref(notes);
        return NULL;
    }
    return notes;
}

int template_build(const struct template_request *request, const struct policy *const *policies,
                   size_t n_policies, struct template *ret, struct report *reterr) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    _cleanup_(template_clear) struct template t = { 0 };
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    const struct reading reading = { request, policies, n_policies, a, &report };
    struct selection s = { 0 };
    int r;

    if (!a)
        return -ENOMEM;
    r = request_read(&reading, &s);
    if (r < 0)
        return r;
    if (!report_is_empty(&report)) {
        report_append(reterr, &report);
        return TEMPLATE_E_INVALID;
    }
    t.site = site_json(request, &s, a);
    t.notes = notes_json(request, &s, policies, n_policies, a);
    if (!t.site || !t.notes)
        return -ENOMEM;
    *ret = (struct template){ TAKE_PTR(t.site), TAKE_PTR(t.notes) };
    return 0;
}

void template_clear(struct template *t) {
    json_decref(t->site);
    json_decref(t->notes);
    *t = (struct template){ 0 };
}

size_t template_blanks(const json_t *value) {
    json_t *parent = (json_t *)value; /* jansson's iterators are not const, and change nothing */
    size_t n = json_is_string(value) && text_is_blank(json_string_value(value)), i;
    const char *key;
    json_t *child;

    json_array_foreach(parent, i, child) n += template_blanks(child);
    json_object_foreach(parent, key, child) n += text_is_blank(key) + template_blanks(child);
    return n;
}
