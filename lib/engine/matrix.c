/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A policy as a reader of the vendor's page expects it: no site, no host, named ports with the
 * vendor's numbers. */
#include "engine/matrix.h"

#include <string.h>

/* Takes `item`. NULL when memory is out, and the array is let go of. */
static json_t *append(json_t *array, json_t *item) {
    if (array && json_array_append_new(array, item) == 0)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *words_json(const struct words *w) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < w->n; i++)
        array = append(array, json_string(w->items[i].text));
    return array;
}

static uint16_t port_number(const struct policy *p, const char *name) {
    for (size_t i = 0; i < p->n_ports; i++)
        if (strcmp(p->ports[i].name, name) == 0)
            return p->ports[i].number;
    return 0;
}

/* As the file says it, a named port with its number: "tcp/8091". */
static json_t *services_json(const struct policy *p, const struct flow *f) {
    json_t *array = json_array();
    char buf[SERVICE_TEXT_MAX];

    for (size_t i = 0; array && i < f->n_services; i++) {
        const struct service_spec *spec = &f->services[i].spec;
        struct service s = { .lo = spec->lo, .hi = spec->hi };

        if (spec->port_name)
            s.lo = s.hi = port_number(p, spec->port_name);
        for (size_t j = 0; array && j < spec->n_protocols; j++) {
            s.protocol = spec->protocols[j];
            array = append(array, json_string(service_format(&s, buf)));
        }
    }
    return array;
}

static json_t *row_json(const struct policy *p, const struct flow *f) {
    json_t *row = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "product", p->product,
                            "flow", f->id, "from", words_json(&f->from), "to", words_json(&f->to),
                            "services", services_json(p, f), "when", words_json(&f->when), "title",
                            f->title, "note", f->note ? f->note : "", "ref", f->ref ? f->ref : "");

    if (row && f->broadcast && json_object_set_new(row, "broadcast", json_true()) < 0) {
        json_decref(row);
        return NULL;
    }
    return row;
}

json_t *matrix_json(const struct policy *const *policies, size_t n_policies) {
    json_t *rows = json_array();

    for (size_t i = 0; i < n_policies; i++)
        for (size_t j = 0; rows && j < policies[i]->n_flows; j++)
            rows = append(rows, row_json(policies[i], &policies[i]->flows[j]));
    return rows;
}

static json_t *peers_json(const struct policy *p) {
    json_t *peers = json_array();

    for (size_t i = 0; peers && i < p->n_peers; i++)
        peers = append(peers, json_pack("{s:s, s:s, s:s}", "peer", p->peers[i].name, "title",
                                        p->peers[i].title, "unbound",
                                        p->peers[i].default_any ? "open to any address until bound"
                                                                : "nobody until bound"));
    return peers;
}

json_t *tables_json(const struct policy *const *policies, size_t n_policies) {
    json_t *tables = json_array();

    for (size_t i = 0; tables && i < n_policies; i++) {
        const struct policy *p = policies[i];

        tables = append(tables,
                        json_pack("{s:s, s:s, s:s, s:o, s:o, s:o}", "product", p->product, "title",
                                  p->title, "source", p->source, "notes", words_json(&p->notes),
                                  "rows", matrix_json(&p, 1), "peers", peers_json(p)));
    }
    return tables;
}
