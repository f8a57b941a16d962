/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy as a reader of the vendor's page expects it: no site, no host, named ports with the
 * vendor's numbers. */
#include "engine/matrix.h"

#include "engine/jsonlist.h"
#include "engine/picture.h"
#include "engine/tableparts.h"

#include <errno.h>
#include <string.h>

static uint16_t port_number(const struct policy *p, const char *name) {
    for (size_t i = 0; i < p->n_ports; i++)
        if (strcmp(p->ports[i].name, name) == 0)
            return p->ports[i].number;
    return 0;
}

static bool unnamed_add(struct arena *a, struct words *unnamed, uint8_t protocol,
                        const char *port) {
    struct word *w = ARENA_APPEND(a, unnamed->items, unnamed->n);

    if (w)
        w->text = arena_printf(a, "%s/$%s", protocol_name(protocol), port);
    return w && w->text;
}

/* A row in the order of its file, with the vendor's numbers. 0 or -ENOMEM. */
static int row_number(struct arena *a, const struct policy *p, const struct flow *f,
                      struct picture_row *ret) {
    struct words *unnamed = arena_alloc(a, sizeof(*unnamed));
    struct service *services = NULL;
    size_t n = 0;

    if (!unnamed)
        return -ENOMEM;
    for (size_t i = 0; i < f->n_services; i++) {
        const struct service_spec *spec = &f->services[i].spec;
        uint16_t named = spec->port_name ? port_number(p, spec->port_name) : 0;

        for (size_t j = 0; j < spec->n_protocols; j++) {
            struct service *s = NULL;

            if (spec->port_name && !named) {
                if (!unnamed_add(a, unnamed, spec->protocols[j], spec->port_name))
                    return -ENOMEM;
                continue;
            }
            s = ARENA_APPEND(a, services, n);
            if (!s)
                return -ENOMEM;
            *s = (struct service){ spec->protocols[j], named ? named : spec->lo,
                                   named ? named : spec->hi };
        }
    }
    *ret = (struct picture_row){ f->id, &f->from, &f->to, &f->when, services, n, unnamed };
    return 0;
}

static json_t *service_item(const void *owner, size_t i) {
    const struct picture_row *row = owner;
    char buf[SERVICE_TEXT_MAX];

    return json_string(i < row->n_services ? service_format(&row->services[i], buf)
                                           : row->unnamed->items[i - row->n_services].text);
}

static json_t *row_json(const struct policy *p, const struct flow *f,
                        const struct picture_row *numbered) {
    size_t n = numbered->n_services + numbered->unnamed->n;
    json_t *row = json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "product", p->product, "flow", f->id,
        "from", json_list_words(&f->from), "to", json_list_words(&f->to), "services",
        json_list(numbered, n, service_item), "when", json_list_words(&f->when), "title", f->title,
        "note", f->note ? f->note : "", "ref", f->ref ? f->ref : "");

    if (row && f->broadcast)
        return json_whole(row, json_object_set_new(row, "broadcast", json_true()));
    return row;
}

/* The rows of a policy behind those in `rows`; into `picture`, too, unless that is NULL. */
static int rows_add(struct arena *a, const struct policy *p, json_t *rows,
                    struct picture *picture) {
    for (size_t i = 0; i < p->n_flows; i++) {
        struct picture_row numbered;
        int r = row_number(a, p, &p->flows[i], &numbered);

        if (r == 0)
            r = json_array_append_new(rows, row_json(p, &p->flows[i], &numbered));
        if (r == 0 && picture)
            r = picture_add(picture, &numbered);
        if (r < 0)
            return -ENOMEM;
    }
    return 0;
}

json_t *matrix_json(const struct policy *const *policies, size_t n_policies) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    json_t *rows = a ? json_array() : NULL;
    int r = 0;

    for (size_t i = 0; i < n_policies && rows && r == 0; i++)
        r = rows_add(a, policies[i], rows, NULL);
    return json_whole(rows, r);
}

/* --- tables --- */

/* Who a peer is whom no site binds. */
static json_t *peer_who(const char *selector, void *userdata) {
    const struct peer *p = policy_peer(userdata, selector);

    if (p && p->default_any)
        return json_pack("[s]", "any address");
    return p && p->hostnames.n > 0 ? json_list_words(&p->hostnames) : NULL;
}

static json_t *table_json(const struct policy *p, const struct policy *const *policies,
                          size_t n_policies) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    _cleanup_(picture_freep) struct picture *picture = picture_new(p, policies, n_policies);
    json_t *rows = json_array();

    if (!a || !picture || !rows || rows_add(a, p, rows, picture) < 0) {
        json_decref(rows);
        return NULL;
    }
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "product", p->product,
                     "title", p->title, "source", p->source, "notes", json_list_words(&p->notes),
                     "rows", rows, "peers", peers_json(p), "features", features_json(p, NULL),
                     "ports", ports_json(p, NULL), "picture",
                     picture_json(picture, peer_who, (void *)p));
}

json_t *tables_json(const struct policy *const *policies, size_t n_policies) {
    json_t *tables = json_array();
    int r = tables ? 0 : -ENOMEM;

    for (size_t i = 0; i < n_policies && r == 0; i++)
        r = json_array_append_new(tables, table_json(policies[i], policies, n_policies));
    return json_whole(tables, r);
}
