/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON has no comments: what a reader of the file should know besides is said beside it. */
#include "engine/template.h"

#include "engine/jsonlist.h"
#include "engine/name.h"

/* What is said of a policy in one note, item by item. */
struct items {
    struct arena *arena;
    const char *list; /* "A, B"; "" for none, NULL when memory is out */
};

static void item_add(struct items *items, const char *name, const char *value, const char *title) {
    if (items->list)
        items->list = arena_printf(items->arena, "%s%s%s%s%s%s%s%s", items->list,
                                   *items->list ? ", " : "", name, *value ? " " : "", value,
                                   *title ? " (" : "", title, *title ? ")" : "");
}

/* Takes a list that may be NULL. */
static void list_add(struct items *items, const char *name, const char *list, const char *title) {
    if (list)
        item_add(items, name, list, title);
    else
        items->list = NULL;
}

static void add_features(const struct policy *p, struct items *items) {
    for (size_t i = 0; i < p->n_features; i++)
        item_add(items, p->features[i].name, p->features[i].default_on ? "on" : "off",
                 p->features[i].title);
}

static void add_choices(const struct policy *p, struct items *items) {
    for (size_t i = 0; i < p->n_ports; i++) {
        const struct port *port = &p->ports[i];

        if (port->n_choices > 0)
            list_add(items, port->name, numbers_list(port->choices, port->n_choices, items->arena),
                     port->title);
    }
}

static void add_open_peers(const struct policy *p, struct items *items) {
    for (size_t i = 0; i < p->n_peers; i++)
        if (p->peers[i].default_any)
            item_add(items, p->peers[i].name, "", p->peers[i].title);
}

static void add_named_peers(const struct policy *p, struct items *items) {
    for (size_t i = 0; i < p->n_peers; i++) {
        const struct peer *peer = &p->peers[i];
        struct names names = { 0 };

        if (peer->hostnames.n == 0)
            continue;
        if (names_collect(&names, items->arena, peer->hostnames.items, peer->hostnames.n,
                          sizeof(*peer->hostnames.items)) < 0)
            items->list = NULL;
        else
            list_add(items, peer->name, names_list(&names, items->arena), peer->title);
    }
}

static void add_systems(const struct policy *p, struct items *items) {
    if (policy_has_os_rows(p))
        item_add(items, "linux or windows, each has rows of its own", "", "");
}

static const struct kind {
    const char *label;
    void (*add)(const struct policy *p, struct items *items);
} kinds[] = {
    { "features", add_features },
    { "ports, of which the vendor leaves a choice", add_choices },
    { "peers, any address unless bound", add_open_peers },
    { "peers, by these names unless bound", add_named_peers },
    { "os of a host", add_systems },
};

/* Nothing where there is nothing to say. */
static int note_add(json_t *notes, const struct policy *p, const struct kind *k, struct arena *a) {
    struct items items = { a, "" };

    k->add(p, &items);
    if (!items.list)
        return -1;
    return *items.list ? json_array_append_new(
                             notes, json_sprintf("%s %s: %s", p->product, k->label, items.list))
                       : 0;
}

json_t *template_notes(const struct policy *const *policies, size_t n) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    json_t *notes = a ? json_array() : NULL;
    int r = 0;

    for (size_t i = 0; i < n && notes; i++)
        for (size_t j = 0; j < ARRAY_SIZE(kinds) && r == 0; j++)
            r = note_add(notes, policies[i], &kinds[j], a);
    return json_whole(notes, r);
}
