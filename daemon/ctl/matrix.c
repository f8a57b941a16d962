/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a matrix is put before readers, whatever the format: hosts that are alike stand together,
 * and what every host may is said once, so that a site of a thousand hosts has as many sections
 * as it has mixtures of roles. */
#include "matrix.h"

#include "base/macros.h"
#include "failure.h"
#include "print.h"

#include "engine/policy.h"

#include <string.h>

static void *need(void *memory) {
    if (!memory)
        exit(failure_memory());
    return memory;
}

static void need_ok(int r) {
    if (r < 0)
        exit(failure_memory());
}

static char *text_end(FILE *f, char **text) {
    if (fclose(f) != 0)
        exit(failure_memory());
    return *text;
}

bool matrix_is_site(json_t *matrix) {
    return json_object_get(matrix, "site") != NULL;
}

char *matrix_title(json_t *matrix) {
    json_t *tables = json_object_get(matrix, "tables");
    const char *host = member_text(matrix, "host");
    char *text;
    int r;

    if (!matrix_is_site(matrix) && json_array_size(tables) == 1)
        r = asprintf(&text, "%s: port table", member_text(json_array_get(tables, 0), "title"));
    else if (!matrix_is_site(matrix))
        r = asprintf(&text, "Port tables");
    else
        r = asprintf(&text, "%s: %s%s%s", member_text(matrix, "site"),
                     *host ? "who may reach " : "who may reach whom", host,
                     *host ? ", and whom it may reach" : "");
    need_ok(r);
    return text;
}

char *matrix_warning(json_t *matrix) {
    const char *in = member_text(matrix, "ingress"), *out = member_text(matrix, "egress");
    bool enforces = strcmp(in, "enforce") == 0 && strcmp(out, "enforce") == 0;
    char *text;

    if (!matrix_is_site(matrix) || enforces)
        return NULL;
    if (asprintf(&text,
                 "The site has ingress on %s and egress on %s, so more passes than is told "
                 "here: this is what passes once both are on enforce.",
                 in, out) < 0)
        exit(failure_memory());
    return text;
}

const char *service_words(const char *service) {
    return strchr(service, '$') ? " (the site names it)" : "";
}

char *services_text(json_t *row, const char *separator) {
    json_t *service;
    char *text = NULL;
    size_t size, i;
    FILE *f = need(open_memstream(&text, &size));

    json_array_foreach(json_object_get(row, "services"), i, service) {
        const char *one = json_string_value(service);

        fprintf(f, "%s%s%s", i ? separator : "", one, service_words(one));
    }
    if (json_is_true(json_object_get(row, "broadcast")))
        fputs(" broadcast", f);
    return text_end(f, &text);
}

/* --- hosts that are alike --- */

char *group_label(json_t *group) {
    size_t n = json_array_size(group), i;
    json_t *host;
    char *text = NULL;
    size_t size;
    FILE *f = need(open_memstream(&text, &size));

    if (n > GROUP_NAMED_MAX)
        fprintf(f, "%s and %zu alike", json_string_value(json_array_get(group, 0)), n - 1);
    else
        json_array_foreach(group, i, host)
            fprintf(f, "%s%s", i ? ", " : "", json_string_value(host));
    return text_end(f, &text);
}

/* { host: label }: that of its group for the first of it, null for the others; made once. */
static json_t *labels_get(json_t *matrix) {
    json_t *labels = json_object_get(matrix, "labels"), *group, *host;
    size_t i, j;

    if (labels)
        return labels;
    labels = need(json_object());
    json_array_foreach(json_object_get(matrix, "groups"), i, group) {
        _cleanup_(freep) char *label = group_label(group);

        json_array_foreach(group, j, host) need_ok(json_object_set_new(
            labels, json_string_value(host), j ? json_null() : json_string(label)));
    }
    need_ok(json_object_set_new(matrix, "labels", labels));
    return labels;
}

json_t *matrix_alikes(json_t *matrix) {
    json_t *alikes = need(json_array()), *group;
    size_t i;

    json_array_foreach(json_object_get(matrix, "groups"), i, group) {
        _cleanup_(freep) char *label = group_label(group);

        if (json_array_size(group) > GROUP_NAMED_MAX)
            need_ok(json_array_append_new(alikes,
                                          json_pack("{s:s, s:O}", "label", label, "hosts", group)));
    }
    return alikes;
}

/* --- ends --- */

static bool is_head(json_t *matrix, const char *end) {
    return json_is_string(json_object_get(labels_get(matrix), end));
}

/* Hosts are told as all but a few, up to this number. */
#define EXCEPT_MAX 3U

struct ends {
    json_t *matrix;
    json_t *set; /* { end }: group heads and those outside */
    size_t n_groups, n_all;
};

static bool ends_are_nearly_all(const struct ends *e) {
    size_t missing = e->n_all - e->n_groups;

    return e->n_all > 1 && missing <= EXCEPT_MAX && 2 * missing < e->n_groups;
}

/* The groups that are among the ends, or those that are not. */
static void write_groups(FILE *f, const struct ends *e, bool among, const char *before) {
    json_t *group;
    size_t i;

    json_array_foreach(json_object_get(e->matrix, "groups"), i, group) {
        const char *head = json_string_value(json_array_get(group, 0));

        if ((json_object_get(e->set, head) != NULL) != among)
            continue;
        fprintf(f, "%s%s", before, json_string_value(json_object_get(labels_get(e->matrix), head)));
        before = ", ";
    }
}

static char *ends_text(const struct ends *e) {
    const char *before = "", *end;
    json_t *value;
    char *text = NULL;
    size_t size;
    FILE *f = need(open_memstream(&text, &size));

    json_object_foreach(e->set, end, value) {
        if (is_head(e->matrix, end))
            continue;
        fprintf(f, "%s%s", before, end);
        before = ", ";
    }
    if (ends_are_nearly_all(e)) {
        fprintf(f, "%severy host", before);
        write_groups(f, e, false, " but ");
    } else
        write_groups(f, e, true, before);
    return text_end(f, &text);
}

/* Groups are there by their heads, whoever else is on the list is left out with them. */
static void ends_add(struct ends *e, json_t *list) {
    json_t *labels = labels_get(e->matrix), *end;
    size_t i;

    json_array_foreach(list, i, end) {
        const char *name = json_string_value(end);

        if (json_is_null(json_object_get(labels, name)) || json_object_get(e->set, name))
            continue;
        e->n_groups += is_head(e->matrix, name);
        need_ok(json_object_set(e->set, name, json_true()));
    }
}

static struct ends ends_begin(json_t *matrix) {
    return (struct ends){ matrix, need(json_object()), 0,
                          json_array_size(json_object_get(matrix, "groups")) };
}

/* --- who is asked --- */

struct targets {
    json_t *matrix, *list, *by_end;
    json_t *askers; /* { rows: { from[], who } }: what rows have together, told of many targets */
};

/* The target of a name, made at its first row. */
static json_t *target_get(struct targets *t, const char *end, const char *label) {
    json_t *target = json_object_get(t->by_end, end);

    if (target)
        return target;
    target = need(json_pack("{s:s, s:s, s:[], s:{}}", "end", end, "to", label, "rows", "by_row"));
    need_ok(json_object_set(t->by_end, end, target));
    need_ok(json_array_append_new(t->list, target));
    return target;
}

/* The row of a target for a flow and its services, made at the first of them. */
static json_t *target_row(json_t *target, json_t *row) {
    json_t *by_row = json_object_get(target, "by_row"), *known;
    _cleanup_(freep) char *services = services_text(row, " ");
    _cleanup_(freep) char *key = NULL;

    if (asprintf(&key, "%s/%s %s", member_text(row, "product"), member_text(row, "flow"),
                 services) < 0)
        exit(failure_memory());
    known = json_object_get(by_row, key);
    if (known)
        return known;
    known = need(json_copy(row));
    need_ok(json_object_set_new(known, "parts", json_array()));
    need_ok(json_object_set(by_row, key, known));
    need_ok(json_array_append_new(json_object_get(target, "rows"), known));
    return known;
}

static void target_add(struct targets *t, const char *end, const char *label, json_t *row,
                       size_t at) {
    json_t *merged = target_row(target_get(t, end, label), row);

    need_ok(json_array_append_new(json_object_get(merged, "parts"), json_integer((json_int_t)at)));
}

static void targets_add_row(struct targets *t, json_t *row, size_t at) {
    struct ends to = ends_begin(t->matrix);
    const char *end;
    json_t *value;
    bool is_every;

    ends_add(&to, json_object_get(row, "to"));
    is_every = to.n_groups == to.n_all && to.n_all > 1;
    if (is_every)
        target_add(t, "", "every host", row, at);
    json_object_foreach(to.set, end, value) {
        json_t *label = json_object_get(labels_get(t->matrix), end);

        if (!label || !is_every)
            target_add(t, end, label ? json_string_value(label) : end, row, at);
    }
    json_decref(to.set);
}

/* { from[], who } of the rows that are parts of one. */
static json_t *askers_make(json_t *matrix, json_t *parts) {
    struct ends e = ends_begin(matrix);
    json_t *rows = json_object_get(matrix, "rows"), *part, *value, *from = need(json_array());
    const char *end;
    char *text;
    size_t i;

    json_array_foreach(parts, i, part) ends_add(
        &e, json_object_get(json_array_get(rows, (size_t)json_integer_value(part)), "from"));
    json_object_foreach(e.set, end, value) need_ok(json_array_append_new(from, json_string(end)));
    text = ends_text(&e);
    value = need(json_pack("{s:o, s:s}", "from", from, "who", text));
    free(text);
    json_decref(e.set);
    return value;
}

/* Gives a target's row those who may ask, made once for all rows of the same parts. */
static void row_set_askers(struct targets *t, json_t *row) {
    json_t *parts = json_object_get(row, "parts"), *askers;
    _cleanup_(freep) char *key = need(json_dumps(parts, JSON_COMPACT));

    askers = json_object_get(t->askers, key);
    if (!askers) {
        askers = askers_make(t->matrix, parts);
        need_ok(json_object_set_new(t->askers, key, askers));
    }
    need_ok(json_object_update(row, askers));
}

bool matrix_is_told_of_pairs(json_t *matrix, json_t *row) {
    return json_array_size(json_object_get(matrix, "tables")) == 1 ||
           strcmp(member_text(row, "product"), PRODUCT_BASELINE) != 0;
}

static bool list_has(json_t *list, const char *name) {
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) if (strcmp(json_string_value(one), name) == 0) return true;
    return false;
}

/* { host: roles[] } */
static json_t *roles_by_host(json_t *matrix) {
    json_t *roles = need(json_object()), *host;
    size_t i;

    json_array_foreach(json_object_get(matrix, "hosts"), i, host)
        need_ok(json_object_set(roles, member_text(host, "host"), json_object_get(host, "roles")));
    return roles;
}

/* { head: roles[] }: all that the hosts of a group have; made once. */
static json_t *roles_get(json_t *matrix) {
    json_t *roles = json_object_get(matrix, "roles"), *by_host, *group, *host, *role;
    size_t i, j, k;

    if (roles)
        return roles;
    roles = need(json_object());
    by_host = roles_by_host(matrix);
    json_array_foreach(json_object_get(matrix, "groups"), i, group) {
        json_t *list = need(json_array());

        json_array_foreach(group, j, host)
            json_array_foreach(json_object_get(by_host, json_string_value(host)), k,
                               role) if (!list_has(list, json_string_value(role)))
                need_ok(json_array_append(list, role));
        need_ok(json_object_set_new(roles, json_string_value(json_array_get(group, 0)), list));
    }
    need_ok(json_object_set_new(matrix, "roles", roles));
    json_decref(by_host);
    return roles;
}

json_t *group_roles(json_t *matrix, const char *head) {
    return json_object_get(roles_get(matrix), head);
}

static void targets_add_groups(struct targets *t) {
    json_t *group;
    size_t i;

    json_array_foreach(json_object_get(t->matrix, "groups"), i, group) {
        const char *head = json_string_value(json_array_get(group, 0));

        need_ok(json_object_set(target_get(t, head, member_text(labels_get(t->matrix), head)),
                                "roles", group_roles(t->matrix, head)));
    }
}

/* A host alone that asks itself. */
static bool is_idle(json_t *matrix, json_t *target, json_t *row) {
    json_t *from = json_object_get(row, "from");
    const char *only = json_string_value(json_array_get(from, 0));

    return json_array_size(from) == 1 && strcmp(member_text(target, "end"), only) == 0 &&
           strcmp(member_text(labels_get(matrix), only), only) == 0;
}

static void target_finish(struct targets *t, json_t *target) {
    json_t *rows = json_object_get(target, "rows");

    for (size_t i = json_array_size(rows); i-- > 0;) {
        row_set_askers(t, json_array_get(rows, i));
        if (is_idle(t->matrix, target, json_array_get(rows, i)))
            need_ok(json_array_remove(rows, i));
    }
}

/* Every host and the groups come first, in the order of the site; then whoever is outside. Those
 * that no row leads to are left out again. */
json_t *matrix_targets(json_t *matrix) {
    struct targets t = { matrix, need(json_array()), need(json_object()), need(json_object()) };
    json_t *row;
    size_t i;

    target_get(&t, "", "every host");
    targets_add_groups(&t);
    json_array_foreach(json_object_get(matrix, "rows"), i,
                       row) if (matrix_is_told_of_pairs(matrix, row)) targets_add_row(&t, row, i);
    for (i = json_array_size(t.list); i-- > 0;) {
        target_finish(&t, json_array_get(t.list, i));
        if (json_array_size(json_object_get(json_array_get(t.list, i), "rows")) == 0)
            need_ok(json_array_remove(t.list, i));
    }
    json_decref(t.by_end);
    json_decref(t.askers);
    return t.list;
}
