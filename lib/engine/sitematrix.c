/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/sitematrix.h"

#include "engine/jsonlist.h"
#include "engine/sitetable.h"

#include <errno.h>
#include <string.h>

/* --- rows --- */

static int strings_add(json_t *array, const char *text) {
    return text ? json_array_append_new(array, json_string(text)) : -ENOMEM;
}

static json_t *end_json(const struct reach *r, const struct reach_end *end) {
    json_t *array = json_array();
    int result = array ? 0 : -ENOMEM;

    for (size_t i = 0; i < end->n_parties && result == 0; i++)
        result = strings_add(array, party_text(r->arena, end->parties[i]));
    /* groups are in the order of their first hosts: hosts come in the site's order of groups */
    for (size_t i = 0; i < end->n_groups && result == 0; i++) {
        const struct alike *group = &r->groups.items[end->groups[i]];

        for (size_t j = 0; j < group->n_hosts && result == 0; j++)
            result = strings_add(array, r->resolver.site->hosts[group->hosts[j]].name);
    }
    return json_whole(array, result);
}

static json_t *service_item(const void *owner, size_t i) {
    char buf[SERVICE_TEXT_MAX];

    return json_string(service_format(&((const struct reach_row *)owner)->services[i], buf));
}

/* The row's own note; and who lets it out, where that is another row. */
static const char *row_note(struct arena *a, const struct reach_row *row) {
    const char *note = row->flow->note ? row->flow->note : "";

    for (size_t i = 0; note && i < row->n_out; i++)
        note = arena_printf(a, "%s%s%s", note,
                            i       ? ", "
                            : *note ? " The way out is opened by "
                                    : "The way out is opened by ",
                            row->out[i]->id);
    return note && row->n_out ? arena_printf(a, "%s.", note) : note;
}

static json_t *row_json(const struct reach *r, const struct reach_row *row) {
    const struct intent_flow *f = row->flow;
    const char *note = row_note(r->arena, row);
    json_t *o;

    if (!note)
        return NULL;
    o = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "product", f->product, "flow",
                  f->id + strlen(f->product) + 1, "from", end_json(r, &row->from), "to",
                  end_json(r, &row->to), "services", json_list(row, row->n_services, service_item),
                  "when", json_list_words(&f->when), "title", f->title, "note", note, "ref",
                  f->ref ? f->ref : "");
    if (o && f->broadcast)
        return json_whole(o, json_object_set_new(o, "broadcast", json_true()));
    return o;
}

static json_t *row_item(const void *owner, size_t i) {
    const struct reach *r = owner;

    return row_json(r, &r->rows[i]);
}

json_t *site_matrix_json(const struct reach *r) {
    const struct site *site = r->resolver.site;

    return json_pack("{s:s, s:s, s:s, s:o}", "site", site->name, "ingress",
                     mode_name(site->ingress), "egress", mode_name(site->egress), "rows",
                     json_list(r, r->n_rows, row_item));
}

/* --- what stands around the rows --- */

static json_t *host_item(const void *owner, size_t i) {
    const struct host *h = &((const struct site *)owner)->hosts[i];
    json_t *addresses = json_array();
    char buf[RANGE_TEXT_MAX];
    int r = addresses ? 0 : -ENOMEM;

    for (size_t j = 0; j < h->addresses.n && r == 0; j++)
        r = strings_add(addresses, range_format(&h->addresses.items[j].range,
                                                h->addresses.items[j].family, buf));
    return json_pack("{s:s, s:o, s:o}", "host", h->name, "roles", json_list_words(&h->roles),
                     "addresses", json_whole(addresses, r));
}

static json_t *group_item(const void *owner, size_t i) {
    const struct reach *r = owner;

    return end_json(r, &(const struct reach_end){ .groups = &i, .n_groups = 1 });
}

static bool is_wanted(const struct reach *r, const char *product) {
    return !r->query.product || strcmp(r->query.product, product) == 0;
}

static int table_add(struct reach *r, json_t *tables, const struct policy *policy) {
    if (!is_wanted(r, policy ? policy->product : PRODUCT_SITE))
        return 0;
    return json_array_append_new(tables, site_table_json(r, policy));
}

/* The products, the site's own rows, and what every host needs. */
static json_t *tables_of_site(struct reach *r) {
    const struct resolver *rs = &r->resolver;
    const struct policy *baseline = policy_find(rs->policies, rs->n_policies, PRODUCT_BASELINE);
    json_t *tables = json_array();
    int result = tables ? 0 : -ENOMEM;

    for (size_t i = 0; i < rs->n_policies && result == 0; i++)
        if (rs->policies[i] != baseline && site_uses_product(rs->site, rs->policies[i]->product))
            result = table_add(r, tables, rs->policies[i]);
    if (result == 0 && rs->site->n_flows > 0)
        result = table_add(r, tables, NULL);
    if (result == 0 && baseline)
        result = table_add(r, tables, baseline);
    return json_whole(tables, result);
}

json_t *site_tables_json(struct reach *r) {
    const struct site *site = r->resolver.site;
    json_t *o = site_matrix_json(r);
    json_t *more =
        json_pack("{s:s?, s:o, s:o, s:o}", "host", r->query.host ? r->query.host->name : NULL,
                  "groups", json_list(r, r->groups.n, group_item), "hosts",
                  json_list(site, site->n_hosts, host_item), "tables", tables_of_site(r));
    int result = o && more ? json_object_update(o, more) : -ENOMEM;

    json_decref(more);
    return json_whole(o, result);
}
