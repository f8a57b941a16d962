/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A selector's kind is told by its letters alone: no name has a ':' or a '/', a product begins
 * with a letter, and an address that does so has a ':'. So a row reads the same whatever roles and
 * hosts exist, and a typing error never turns one kind into another. */
#include "engine/flow.h"

#include "base/quote.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

bool product_split(const char *text, char buf[static NAME_LENGTH_MAX + 1], const char **ret_rest) {
    size_t n = strcspn(text, "/");

    if (!text[n] || n > NAME_LENGTH_MAX)
        return false;
    memcpy(buf, text, n);
    buf[n] = '\0';
    *ret_rest = text + n + 1;
    return true;
}

static bool is_product_selector(const char *text) {
    char product[NAME_LENGTH_MAX + 1];
    const char *name;

    return product_split(text, product, &name) && product_name_is_valid(product) &&
           name_is_valid(name);
}

enum selector selector_kind(const char *text) {
    enum family family;
    struct range range;

    if (name_is_reserved(text) || strcmp(text, "os:linux") == 0 || strcmp(text, "os:windows") == 0)
        return SELECTOR_WORD;
    if (strncmp(text, "host:", 5) == 0)
        return name_is_valid(text + 5) ? SELECTOR_HOST : SELECTOR_BAD;
    if (prefix_parse(text, &family, &range) != ADDRESS_E_SYNTAX)
        return SELECTOR_PREFIX;
    if (is_product_selector(text))
        return SELECTOR_PRODUCT;
    return name_is_valid(text) ? SELECTOR_NAME : SELECTOR_BAD;
}

static void policy_selector_check(struct loader *l, const struct node *n) {
    char quoted[QUOTE_TEXT_MAX];

    switch (selector_kind(n->string)) {
    case SELECTOR_WORD:
        if (strcmp(n->string, "all") != 0)
            return;
        break;
    case SELECTOR_NAME:
        return; /* whether there is such a role or peer is known when all of the file is read */
    case SELECTOR_HOST:
    case SELECTOR_PREFIX:
    case SELECTOR_PRODUCT:
    case SELECTOR_BAD:
        break;
    }
    mistake(l, n,
            "%s can't be selected in a policy: write a role, a peer, internal, self, any, "
            "management, os:linux or os:windows",
            text_quote(n->string, quoted));
}

static void site_selector_check(struct loader *l, const struct node *n) {
    char quoted[QUOTE_TEXT_MAX];
    struct prefix prefix;

    switch (selector_kind(n->string)) {
    case SELECTOR_WORD:
        if (strcmp(n->string, "internal") != 0)
            return;
        mistake(l, n, "\"internal\" means the hosts of one product: write all or product/role");
        return;
    case SELECTOR_PREFIX:
        read_prefix(l, n, &prefix); /* says so when host bits are set */
        return;
    case SELECTOR_HOST:
    case SELECTOR_PRODUCT:
        return; /* whether these exist is a question of site_check() */
    case SELECTOR_NAME:
    case SELECTOR_BAD:
        break;
    }
    mistake(l, n,
            "%s can't be selected in a site: write a prefix, product/role, product/peer, "
            "host:NAME, all, self, any, management, os:linux or os:windows",
            text_quote(n->string, quoted));
}

static int selectors_read(struct loader *l, const struct node *n, struct words *words,
                          void (*check)(struct loader *l, const struct node *n)) {
    int r = strings_read(l, n, words, "\"any\"");

    if (r < 0)
        return r;
    array_check_not_empty(l, n, "say who, as in \"any\", or remove the flow");
    for (size_t i = 0; i < words->n; i++)
        if (words->items[i].node->type == NODE_STRING)
            check(l, words->items[i].node);
    return strings_check_unique(l, n);
}

static int read_policy_selectors(struct loader *l, const struct node *n, void *record) {
    return selectors_read(l, n, record, policy_selector_check);
}

static int read_site_selectors(struct loader *l, const struct node *n, void *record) {
    return selectors_read(l, n, record, site_selector_check);
}

static int service_read(struct loader *l, const struct node *n, void *record) {
    struct flow_service *service = record;
    char quoted[QUOTE_TEXT_MAX], meant[SERVICE_TEXT_MAX];
    const char *wrong;
    bool is_near;

    service->node = n;
    if (!node_is(l, n, NODE_STRING, "\"tcp/443\""))
        return 0;
    if (service_parse(n->string, &service->spec, &wrong) == 0)
        return 0;
    is_near = service_nearest(n->string, meant);
    mistake(l, n, "%s: %s%s%s%s", text_quote(n->string, quoted), wrong,
            is_near ? "; did you mean \"" : "", is_near ? meant : "", is_near ? "\"?" : "");
    return 0;
}

static int read_services(struct loader *l, const struct node *n, void *record) {
    struct flow *flow = record;
    int r = children_read(l, n, sizeof(*flow->services), PREFIXES_MAX, service_read,
                          &flow->services, &flow->n_services);

    if (r < 0)
        return r;
    array_check_not_empty(l, n, "give at least one service, as in \"tcp/443\"");
    return strings_check_unique(l, n);
}

static int read_site_services(struct loader *l, const struct node *n, void *record) {
    const struct flow *flow = record;
    int r = read_services(l, n, record);

    for (size_t i = 0; i < flow->n_services && r == 0; i++)
        if (flow->services[i].spec.port_name)
            mistake(l, flow->services[i].node,
                    "a site's own rows have no named ports: write the number");
    return r;
}

static int read_when(struct loader *l, const struct node *n, void *record) {
    int r = strings_read(l, n, record, "\"redundant\"");

    return r < 0 ? r : strings_check_unique(l, n);
}

#define FLOW(member) offsetof(struct flow, member)
static const struct field policy_flow_fields[] = {
    { "id", NODE_STRING, true, FLOW(id), read_name, "\"rest\"" },
    { "from", NODE_ARRAY, true, FLOW(from), read_policy_selectors, "[\"ACD-LB\"]" },
    { "to", NODE_ARRAY, true, FLOW(to), read_policy_selectors, "[\"ACD-REST\"]" },
    { "services", NODE_ARRAY, true, 0, read_services, "[\"tcp/443\"]" },
    { "when", NODE_ARRAY, false, FLOW(when), read_when, "[\"redundant\"]" },
    { "broadcast", NODE_BOOLEAN, false, FLOW(broadcast), read_boolean, NULL },
    { "title", NODE_STRING, true, FLOW(title), read_text, "\"REST interface\"" },
    { "ref", NODE_STRING, true, FLOW(ref), read_text, "\"internal table, row 'REST'\"" },
    { "note", NODE_STRING, false, FLOW(note), read_text, NULL },
};

static const struct field site_flow_fields[] = {
    { "id", NODE_STRING, true, FLOW(id), read_name, "\"monitoring\"" },
    { "from", NODE_ARRAY, true, FLOW(from), read_site_selectors, "[\"host:monitor1\"]" },
    { "to", NODE_ARRAY, true, FLOW(to), read_site_selectors, "[\"all\"]" },
    { "services", NODE_ARRAY, true, 0, read_site_services, "[\"tcp/9100\"]" },
    { "broadcast", NODE_BOOLEAN, false, FLOW(broadcast), read_boolean, NULL },
    { "title", NODE_STRING, false, FLOW(title), read_text, NULL },
    { "ref", NODE_STRING, false, FLOW(ref), read_text, NULL },
    { "note", NODE_STRING, false, FLOW(note), read_text, NULL },
};
#undef FLOW

static int policy_flow_read(struct loader *l, const struct node *n, void *record) {
    *(struct flow *)record = (struct flow){ .id = "", .title = "", .node = n };
    return fields_read(l, n, policy_flow_fields, ARRAY_SIZE(policy_flow_fields), record);
}

static int site_flow_read(struct loader *l, const struct node *n, void *record) {
    *(struct flow *)record = (struct flow){ .id = "", .title = "", .node = n };
    return fields_read(l, n, site_flow_fields, ARRAY_SIZE(site_flow_fields), record);
}

static int id_compare(const void *x, const void *y) {
    const struct flow *a = *(const struct flow *const *)x, *b = *(const struct flow *const *)y;
    int c = strcmp(a->id, b->id);

    return c ? c : (a > b) - (a < b);
}

/* Two rows of one id are a mistake of the later one. */
static int ids_check_unique(struct loader *l, const struct flow *flows, size_t n) {
    _cleanup_(freep) const struct flow **sorted = calloc(n + 1, sizeof(struct flow *));

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++)
        sorted[i] = &flows[i];
    qsort(sorted, n, sizeof(struct flow *), id_compare);
    for (size_t i = 1; i < n; i++) {
        const struct flow *first = sorted[i - 1], *second = sorted[i];
        char quoted[QUOTE_TEXT_MAX];

        if (!*second->id || strcmp(first->id, second->id) != 0)
            continue;
        mistake(l, second->node, "the id %s is taken by the flow at %s:%" PRIu32 ": choose another",
                text_quote(second->id, quoted), first->node->file, first->node->line);
    }
    return 0;
}

int read_policy_flows(struct loader *l, const struct node *n, void *record) {
    struct policy *p = record;
    int r =
        children_read(l, n, sizeof(*p->flows), FLOWS_MAX, policy_flow_read, &p->flows, &p->n_flows);

    return r < 0 ? r : ids_check_unique(l, p->flows, p->n_flows);
}

int read_site_flows(struct loader *l, const struct node *n, void *record) {
    struct site *s = record;
    int r =
        children_read(l, n, sizeof(*s->flows), FLOWS_MAX, site_flow_read, &s->flows, &s->n_flows);

    return r < 0 ? r : ids_check_unique(l, s->flows, s->n_flows);
}
