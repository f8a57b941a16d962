/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet that no flow opens belongs to none of them; what can be told is that its service is one
 * that they name. So a flow in audit mode stands for its services on the hosts where it applies. */
#include "engine/audited.h"

#include "engine/flow.h"

#include <errno.h>
#include <string.h>

static bool kind_take(const char **name, const char *prefix) {
    size_t n = strlen(prefix);

    if (strncmp(*name, prefix, n) != 0)
        return false;
    *name += n;
    return true;
}

bool audited_parse(const char *text, struct audited *ret) {
    struct audited a = { .name = "" };

    if (!strchr(text, '/')) {
        if (!product_name_is_valid(text))
            return false;
        memcpy(a.product, text, strlen(text) + 1);
        *ret = a;
        return true;
    }
    if (!product_split(text, a.product, &a.name) || !product_name_is_valid(a.product))
        return false;
    a.kind = kind_take(&a.name, "flow:")   ? AUDITED_FLOW
             : kind_take(&a.name, "role:") ? AUDITED_ROLE
                                           : AUDITED_NAME;
    if (!name_is_valid(a.name))
        return false;
    *ret = a;
    return true;
}

static bool is_of(const struct audited *a, const struct intent_flow *f) {
    return strcmp(f->product, a->product) == 0;
}

static bool host_has_role(const struct host *h, const struct audited *a) {
    size_t n = strlen(a->product);

    for (size_t i = 0; i < h->roles.n; i++) {
        const char *role = h->roles.items[i].text;

        if (strncmp(role, a->product, n) == 0 && role[n] == '/' &&
            strcmp(role + n + 1, a->name) == 0)
            return true;
    }
    return false;
}

/* Whether one selector at this host's end of a row means hosts of the role: by its name, or with
 * others of the product. */
static bool selector_has_role(const struct intent_flow *f, const char *selector,
                              const struct audited *a) {
    struct audited named;

    if (is_of(a, f))
        return strcmp(selector, a->name) == 0 || selector_kind(selector) == SELECTOR_WORD;
    return strcmp(f->product, PRODUCT_SITE) == 0 && audited_parse(selector, &named) &&
           strcmp(named.product, a->product) == 0 && strcmp(named.name, a->name) == 0;
}

static bool role_has_flow(const struct intent_flow *f, enum direction d, const struct audited *a) {
    const struct words *mine = d == DIRECTION_IN ? &f->to_words : &f->from_words;

    for (size_t i = 0; i < mine->n; i++)
        if (selector_has_role(f, mine->items[i].text, a))
            return true;
    return false;
}

static bool covers(const struct audited *a, const struct host *self, const struct intent_flow *f,
                   enum direction d) {
    const char *id = f->id + strlen(f->product) + 1;

    if (a->kind == AUDITED_PRODUCT)
        return is_of(a, f);
    if (a->kind != AUDITED_ROLE && is_of(a, f) && strcmp(id, a->name) == 0)
        return true;
    return a->kind != AUDITED_FLOW && host_has_role(self, a) && role_has_flow(f, d, a);
}

/* Where this host is on that end, also of a row that opens nothing yet because nobody is on the
 * other: whoever comes there is what an audit is to find. */
static bool is_here(const struct intent_flow *f, enum direction d) {
    return f->state[d] == FLOW_ACTIVE || f->state[d] == FLOW_UNBOUND || f->state[d] == FLOW_EMPTY;
}

static bool word_aim(struct intent *in, const char *text, const struct host *self) {
    struct audited a;
    bool concerns = false;

    if (!audited_parse(text, &a))
        return false;
    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            struct intent_flow *f = &in->flows[i];

            if (!is_here(f, d) || !covers(&a, self, f, d))
                continue;
            concerns = true;
            if (!f->audit[d])
                f->audit[d] = text;
        }
    return concerns;
}

int audited_aim(struct intent *in, const struct site *site, const struct host *self) {
    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++)
            in->flows[i].audit[d] = NULL;
    in->audited = NULL;
    in->n_audited = 0;
    for (size_t i = 0; i < site->audit.n; i++) {
        const char *text = arena_strdup(in->arena, site->audit.items[i].text), **slot;

        if (!text)
            return -ENOMEM;
        if (!word_aim(in, text, self))
            continue;
        slot = ARENA_APPEND(in->arena, in->audited, in->n_audited);
        if (!slot)
            return -ENOMEM;
        *slot = text;
    }
    return 0;
}

static bool do_overlap(const struct service *a, const struct service *b) {
    return a->protocol == b->protocol && a->lo <= b->hi && b->lo <= a->hi;
}

static bool names_any(const struct intent_flow *f, const struct service *services, size_t n) {
    for (size_t i = 0; i < f->n_services; i++)
        for (size_t j = 0; j < n; j++)
            if (do_overlap(&f->services[i], &services[j]))
                return true;
    return false;
}

const char *audited_service(const struct intent *in, enum direction d, const struct service *s) {
    for (size_t i = 0; i < in->n_flows; i++)
        if (in->flows[i].audit[d] && names_any(&in->flows[i], s, 1))
            return in->flows[i].audit[d];
    return NULL;
}

bool audited_beside(const struct intent *in, enum direction d, const struct intent_flow *f,
                    const char *word) {
    for (size_t i = 0; i < in->n_flows; i++)
        if (in->flows[i].audit[d] == word && names_any(&in->flows[i], f->services, f->n_services))
            return true;
    return false;
}
