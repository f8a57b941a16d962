/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows are kept as (from, to, row) and joined by sorting, so that a table of ten thousand rows
 * takes no longer than its text. */
#include "engine/picture.h"

#include "engine/flow.h"
#include "engine/jsonlist.h"

#include <errno.h>
#include <string.h>

static const char *const end_kind_names[] = {
    [END_ROLE] = "role",
    [END_GROUP] = "group",
    [END_OUTSIDE] = "outside",
};
static_assert(ARRAY_SIZE(end_kind_names) == END_KIND_MAX, "a kind of end has no name");

const char *end_kind_name(enum end_kind k) {
    return end_kind_names[k];
}

/* One row between one pair of ends. */
struct line {
    const char *from, *to;
    size_t row;
};

struct picture {
    struct arena *arena;
    const struct policy *policy;
    const struct policy *const *policies;
    size_t n_policies;
    struct picture_row *rows;
    size_t n_rows;
    struct line *lines;
    size_t n_lines;
};

struct picture *picture_new(const struct policy *policy, const struct policy *const *policies,
                            size_t n_policies) {
    struct arena *arena = arena_new();
    struct picture *p = arena ? arena_alloc(arena, sizeof(*p)) : NULL;

    if (!p)
        arena_free(arena);
    else
        *p = (struct picture){ arena, policy, policies, n_policies, NULL, 0, NULL, 0 };
    return p;
}

struct picture *picture_free(struct picture *p) {
    if (p)
        arena_free(p->arena);
    return NULL;
}

int picture_add(struct picture *p, const struct picture_row *row) {
    struct picture_row *copy = ARENA_APPEND(p->arena, p->rows, p->n_rows);

    if (!copy)
        return -ENOMEM;
    *copy = *row;
    for (size_t i = 0; i < row->from->n; i++)
        for (size_t j = 0; j < row->to->n; j++) {
            struct line *line = ARENA_APPEND(p->arena, p->lines, p->n_lines);

            if (!line)
                return -ENOMEM;
            *line =
                (struct line){ row->from->items[i].text, row->to->items[j].text, p->n_rows - 1 };
        }
    return 0;
}

/* --- ends --- */

static const struct {
    const char *word, *title;
    enum end_kind kind;
} words[] = {
    { "any", "any address", END_OUTSIDE },
    { "management", "management networks", END_OUTSIDE },
    { "self", "each host", END_ROLE },
    { "internal", "every host with a role here", END_GROUP },
    { "all", "every host of the site", END_GROUP },
    { "os:linux", "every Linux host", END_GROUP },
    { "os:windows", "every Windows host", END_GROUP },
};

static const struct role *role_find(const struct policy *policy, const char *name) {
    for (size_t i = 0; policy && i < policy->n_roles; i++)
        if (strcmp(policy->roles[i].name, name) == 0)
            return &policy->roles[i];
    return NULL;
}

struct end {
    enum end_kind kind;
    const char *title;
};

static struct end end_named(const struct policy *policy, const char *name) {
    const struct role *role = role_find(policy, name);
    const struct peer *peer = policy ? policy_peer(policy, name) : NULL;

    if (role)
        return (struct end){ END_ROLE, role->title };
    return (struct end){ END_OUTSIDE, peer ? peer->title : "" };
}

static struct end end_find(const struct picture *p, const char *selector) {
    char product[NAME_LENGTH_MAX + 1];
    const char *name;

    if (p->policy && strcmp(p->policy->product, PRODUCT_BASELINE) == 0 &&
        strcmp(selector, "internal") == 0)
        selector = "all";
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i].word, selector) == 0)
            return (struct end){ words[i].kind, words[i].title };
    if (selector_kind(selector) == SELECTOR_HOST)
        return (struct end){ END_ROLE, "" };
    if (selector_kind(selector) == SELECTOR_PREFIX)
        return (struct end){ END_OUTSIDE, "" };
    if (product_split(selector, product, &name))
        return end_named(policy_find(p->policies, p->n_policies, product), name);
    return end_named(p->policy, selector);
}

static json_t *end_json(const struct picture *p, const char *selector, picture_who *who,
                        void *userdata) {
    struct end end = end_find(p, selector);
    json_t *lines = who ? who(selector, userdata) : NULL;

    return json_pack("{s:s, s:s, s:s, s:o}", "end", selector, "kind", end_kind_name(end.kind),
                     "title", end.title, "who", lines ? lines : json_array());
}

static int text_compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The roles in the order of the file, then whom rows name besides. */
static json_t *ends_json(const struct picture *p, picture_who *who, void *userdata) {
    size_t n_roles = p->policy ? p->policy->n_roles : 0, n = 0;
    _cleanup_(freep) const char **names = calloc(2 * p->n_lines + 1, sizeof(char *));
    json_t *ends = json_array();
    int r = names && ends ? 0 : -ENOMEM;

    for (size_t i = 0; i < n_roles && r == 0; i++)
        r = json_array_append_new(ends, end_json(p, p->policy->roles[i].name, who, userdata));
    for (size_t i = 0; i < p->n_lines && r == 0; i++) {
        names[n++] = p->lines[i].from;
        names[n++] = p->lines[i].to;
    }
    if (r == 0 && n > 0)
        qsort(names, n, sizeof(*names), text_compare);
    for (size_t i = 0; i < n && r == 0; i++)
        if ((i == 0 || strcmp(names[i - 1], names[i]) != 0) && !role_find(p->policy, names[i]))
            r = json_array_append_new(ends, end_json(p, names[i], who, userdata));
    return json_whole(ends, r);
}

/* --- edges --- */

static int when_compare(const struct words *a, const struct words *b) {
    int c = 0;

    for (size_t i = 0; i < a->n && i < b->n && c == 0; i++)
        c = strcmp(a->items[i].text, b->items[i].text);
    return c ? c : (a->n > b->n) - (a->n < b->n);
}

static int edge_compare(const struct line *a, const struct line *b) {
    int c = strcmp(a->from, b->from);

    return c ? c : strcmp(a->to, b->to);
}

/* Those without a condition come first. */
static int line_compare(const void *x, const void *y, void *userdata) {
    const struct line *a = x, *b = y;
    const struct picture *p = userdata;
    int c = edge_compare(a, b);

    c = c ? c : when_compare(p->rows[a->row].when, p->rows[b->row].when);
    return c ? c : (a->row > b->row) - (a->row < b->row);
}

struct services {
    struct service *items;
    size_t n;
};

static bool services_hold(const struct services *s, const struct service *one) {
    for (size_t i = 0; i < s->n; i++)
        if (s->items[i].protocol == one->protocol && s->items[i].lo <= one->lo &&
            s->items[i].hi >= one->hi)
            return true;
    return false;
}

/* The joined services of some lines, in memory of the caller's. */
static int services_collect(const struct picture *p, const struct line *lines, size_t n,
                            struct services *ret) {
    size_t total = 0;

    for (size_t i = 0; i < n; i++)
        total += p->rows[lines[i].row].n_services;
    *ret = (struct services){ calloc(total + 1, sizeof(struct service)), 0 };
    if (!ret->items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct picture_row *row = &p->rows[lines[i].row];

        if (row->n_services > 0)
            memcpy(ret->items + ret->n, row->services, row->n_services * sizeof(*row->services));
        ret->n += row->n_services;
    }
    ret->n = services_join(ret->items, ret->n);
    return 0;
}

static int unnamed_append(json_t *array, const struct words *unnamed) {
    for (size_t i = 0; i < unnamed->n; i++) {
        json_t *known;
        bool is_known = false;
        size_t j;

        json_array_foreach(array, j, known) is_known =
            is_known || strcmp(json_string_value(known), unnamed->items[i].text) == 0;
        if (!is_known && json_array_append_new(array, json_string(unnamed->items[i].text)) < 0)
            return -ENOMEM;
    }
    return 0;
}

/* What lines open beyond `known`. */
static json_t *strand_services_json(const struct picture *p, const struct line *lines, size_t n,
                                    const struct services *known) {
    struct services s;
    json_t *array;
    char buf[SERVICE_TEXT_MAX];
    int r = services_collect(p, lines, n, &s);

    if (r < 0)
        return NULL;
    array = json_array();
    for (size_t i = 0; array && i < s.n && r == 0; i++)
        if (!services_hold(known, &s.items[i]))
            r = json_array_append_new(array, json_string(service_format(&s.items[i], buf)));
    for (size_t i = 0; array && i < n && r == 0; i++)
        r = unnamed_append(array, p->rows[lines[i].row].unnamed);
    free(s.items);
    return json_whole(array, r);
}

static json_t *flows_json(const struct picture *p, const struct line *lines, size_t n) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++)
        if (json_array_append_new(array, json_string(p->rows[lines[i].row].id)) < 0)
            return json_whole(array, -ENOMEM);
    return array;
}

static size_t lines_alike(const struct picture *p, const struct line *lines, size_t n) {
    size_t same = 1;

    while (same < n && when_compare(p->rows[lines[0].row].when, p->rows[lines[same].row].when) == 0)
        same++;
    return same;
}

/* The lines of one edge. */
static json_t *strands_json(const struct picture *p, const struct line *lines, size_t n) {
    json_t *strands = json_array();
    struct services always = { 0 };
    int r = strands ? 0 : -ENOMEM;

    for (size_t i = 0, same; i < n && r == 0; i += same) {
        const struct words *when = p->rows[lines[i].row].when;
        json_t *services;

        same = lines_alike(p, lines + i, n - i);
        services = strand_services_json(p, lines + i, same, &always);
        if (services && json_array_size(services) == 0)
            json_decref(services);
        else
            r = json_array_append_new(
                strands,
                json_pack("{s:o, s:o}", "when", json_list_words(when), "services", services));
        if (r == 0 && when->n == 0)
            r = services_collect(p, lines + i, same, &always);
    }
    free(always.items);
    return json_whole(strands, r);
}

static json_t *edges_json(struct picture *p) {
    json_t *edges = json_array();
    int r = edges ? 0 : -ENOMEM;

    if (p->n_lines > 0)
        qsort_r(p->lines, p->n_lines, sizeof(*p->lines), line_compare, p);
    for (size_t i = 0, same; i < p->n_lines && r == 0; i += same) {
        const struct line *first = &p->lines[i];

        for (same = 1; i + same < p->n_lines && edge_compare(first, first + same) == 0;)
            same++;
        r = json_array_append_new(
            edges, json_pack("{s:s, s:s, s:o, s:o}", "from", first->from, "to", first->to, "flows",
                             flows_json(p, first, same), "strands", strands_json(p, first, same)));
    }
    return json_whole(edges, r);
}

json_t *picture_json(struct picture *p, picture_who *who, void *userdata) {
    return json_pack("{s:o, s:o}", "ends", ends_json(p, who, userdata), "edges", edges_json(p));
}
