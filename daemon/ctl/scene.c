/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who only asks and who is only asked are two boxes on the two sides of the picture, also when
 * they are the same peer: so that no line runs back across it. */
#include "scene.h"

#include "matrix.h"
#include "print.h"

#include <errno.h>
#include <string.h>

#define TEXT_WIDTH 190 /* texts wrap there */
#define WHO_MAX    12  /* hosts or addresses */

static const struct {
    struct type type;
    double step; /* from line to line */
} inks[] = {
    [INK_NAME] = { { FACE_BOLD, 13 }, 17 },        [INK_TITLE] = { { FACE_SANS, 11 }, 14 },
    [INK_WHO] = { { FACE_MONO, 10.5 }, 13.5 },     [INK_SERVICE] = { { FACE_MONO, 11 }, 14 },
    [INK_CONDITION] = { { FACE_SANS, 10.5 }, 14 },
};
static_assert(ARRAY_SIZE(inks) == INK_MAX, "an ink has no type");

struct setter {
    struct scene *scene;
    struct arena *arena;
    json_t *picture;
    json_t *rows; /* { flow: row } */
};

/* --- lines --- */

static int line_add(struct arena *a, struct scene_lines *lines, enum ink ink, const char *text) {
    struct scene_line *line = ARENA_APPEND(a, lines->items, lines->n);

    if (!line || !text)
        return -ENOMEM;
    lines->height += inks[ink].step;
    *line = (struct scene_line){ ink, text, lines->height - 4 };
    return 0;
}

static int lines_add(struct arena *a, struct scene_lines *lines, enum ink ink, const char *text) {
    struct text_lines broken = { 0 };
    int r = text ? type_wrap(a, &inks[ink].type, text, TEXT_WIDTH, &broken) : -ENOMEM;

    for (size_t i = 0; i < broken.n && r == 0; i++)
        r = line_add(a, lines, ink, broken.items[i]);
    return r;
}

static double lines_width(const struct scene_lines *lines) {
    double width = 0;

    for (size_t i = 0; i < lines->n; i++) {
        double w = type_width(&inks[lines->items[i].ink].type, lines->items[i].text);

        width = w > width ? w : width;
    }
    return width;
}

/* --- boxes --- */

/* Hosts or addresses, as many as have room. */
static int who_add(struct arena *a, json_t *end, struct scene_lines *lines) {
    json_t *who = json_object_get(end, "who"), *one;
    struct text_lines broken = { 0 };
    const char *text = "";
    size_t i, n = json_array_size(who);
    int r;

    json_array_foreach(who, i, one) {
        if (!text || i == WHO_MAX)
            break;
        text = arena_printf(a, "%s%s%s", text, json_string_value(one), i + 1 < n ? ", " : "");
    }
    if (text && n > WHO_MAX)
        text = arena_printf(a, "%sand %zu more", text, n - WHO_MAX);
    r = text ? type_wrap(a, &inks[INK_WHO].type, text, TEXT_WIDTH, &broken) : -ENOMEM;
    for (i = 0; i < broken.n && r == 0; i++)
        r = line_add(a, lines, INK_WHO, broken.items[i]);
    return r;
}

static int box_add(struct setter *s, json_t *end, enum diagram_rank rank) {
    struct scene *sc = s->scene;
    struct diagram_box *place = ARENA_APPEND(s->arena, sc->diagram.boxes, sc->diagram.n_boxes);
    size_t n = sc->diagram.n_boxes - 1;
    struct scene_box *box = place ? ARENA_APPEND(s->arena, sc->boxes, n) : NULL;
    int r;

    if (!box)
        return -ENOMEM;
    *box = (struct scene_box){ .name = member_text(end, "end"),
                               .kind = member_text(end, "kind"),
                               .title = member_text(end, "title"),
                               .lines.height = 4 };
    r = line_add(s->arena, &box->lines, INK_NAME, box->name);
    if (r == 0)
        r = lines_add(s->arena, &box->lines, INK_TITLE, box->title);
    if (r == 0)
        r = who_add(s->arena, end, &box->lines);
    *place = (struct diagram_box){ .rank = rank,
                                   .width = lines_width(&box->lines) + 2 * SCENE_INSET,
                                   .header = box->lines.height + 7 };
    return r;
}

static bool is_end(json_t *edges, const char *key, const char *name) {
    json_t *edge;
    size_t i;

    json_array_foreach(edges, i, edge) if (strcmp(member_text(edge, key), name) == 0) return true;
    return false;
}

static int boxes_set(struct setter *s) {
    json_t *edges = json_object_get(s->picture, "edges"), *end;
    size_t i;
    int r = 0;

    json_array_foreach(json_object_get(s->picture, "ends"), i, end) {
        const char *name = member_text(end, "end"), *kind = member_text(end, "kind");
        bool is_role = strcmp(kind, "role") == 0, is_group = strcmp(kind, "group") == 0;

        if (r == 0 && (is_role || (is_group && is_end(edges, "to", name))))
            r = box_add(s, end, DIAGRAM_MIDDLE);
        if (r == 0 && !is_role && is_end(edges, "from", name))
            r = box_add(s, end, DIAGRAM_LEFT);
        if (r == 0 && !is_role && !is_group && is_end(edges, "to", name))
            r = box_add(s, end, DIAGRAM_RIGHT);
    }
    return r;
}

static size_t box_find(const struct scene *sc, const char *name, bool asks) {
    size_t found = 0;

    for (size_t i = 0; i < sc->diagram.n_boxes; i++) {
        bool is_left = sc->diagram.boxes[i].rank == DIAGRAM_LEFT;

        if (strcmp(sc->boxes[i].name, name) == 0 &&
            (asks ? is_left || strcmp(sc->boxes[i].kind, "role") == 0 : !is_left))
            found = i;
    }
    return found;
}

/* --- edges --- */

/* "if redundant and tts", then the services in lines. */
static int strand_set(struct arena *a, json_t *strand, struct scene_lines *lines) {
    _cleanup_(freep) char *when = member_list(strand, "when", " and ");
    _cleanup_(freep) char *services = services_text(strand, " ");
    int r = 0;

    if (!when || !services)
        return -ENOMEM;
    if (*when)
        r = lines_add(a, lines, INK_CONDITION, arena_printf(a, "if %s:", when));
    return r < 0 ? r : lines_add(a, lines, INK_SERVICE, services);
}

/* "rest: tcp/8091, REST interface behind the load balancer (internal table, row …)" */
static const char *flow_label(struct arena *a, json_t *row) {
    _cleanup_(freep) char *services = services_text(row, " ");
    const char *note = member_text(row, "note"), *ref = member_text(row, "ref");

    return arena_printf(a, "\n%s: %s, %s%s%s%s%s%s", member_text(row, "flow"), services,
                        member_text(row, "title"), *note ? ". " : "", note, *ref ? " (" : "", ref,
                        *ref ? ")" : "");
}

static const char *edge_label(struct setter *s, json_t *edge) {
    const char *label = arena_printf(s->arena, "%s \xe2\x86\x92 %s", member_text(edge, "from"),
                                     member_text(edge, "to"));
    json_t *flow;
    size_t i;

    json_array_foreach(json_object_get(edge, "flows"), i, flow) {
        json_t *row = json_object_get(s->rows, json_string_value(flow));
        const char *more = label ? flow_label(s->arena, row) : NULL;

        label = more ? arena_printf(s->arena, "%s%s", label, more) : NULL;
    }
    return label;
}

static int edge_set(struct setter *s, json_t *edge) {
    struct scene *sc = s->scene;
    struct diagram_edge *place = ARENA_APPEND(s->arena, sc->diagram.edges, sc->diagram.n_edges);
    size_t n = sc->diagram.n_edges - 1;
    struct scene_edge *e = place ? ARENA_APPEND(s->arena, sc->edges, n) : NULL;
    json_t *strand;
    double width;
    size_t i;
    int r = 0;

    if (!e)
        return -ENOMEM;
    *e = (struct scene_edge){ .label = edge_label(s, edge) };
    if (!e->label)
        return -ENOMEM;
    json_array_foreach(json_object_get(edge, "strands"), i, strand) if (r == 0) r =
        strand_set(s->arena, strand, &e->lines);
    *place = (struct diagram_edge){ .from = box_find(sc, member_text(edge, "from"), true),
                                    .to = box_find(sc, member_text(edge, "to"), false),
                                    .height = e->lines.height + 4 };
    width = lines_width(&e->lines) + 2 * SCENE_INSET;
    if (width > sc->diagram.boxes[place->to].width)
        sc->diagram.boxes[place->to].width = width;
    return r;
}

static void colours_count(struct scene *sc) {
    size_t n = 0;

    for (size_t i = 0; i < sc->diagram.n_boxes; i++)
        for (size_t j = 0; j < sc->diagram.n_edges; j++)
            if (sc->diagram.edges[j].from == i) {
                sc->boxes[i].colour = n++;
                break;
            }
}

static json_t *rows_by_flow(json_t *rows) {
    json_t *by_flow = json_object(), *row;
    size_t i;

    json_array_foreach(rows, i,
                       row) if (json_object_set(by_flow, member_text(row, "flow"), row) < 0) {
        json_decref(by_flow);
        return NULL;
    }
    return by_flow;
}

int scene_set(struct arena *a, json_t *table, struct scene *ret) {
    struct setter s = { ret, a, json_object_get(table, "picture"),
                        rows_by_flow(json_object_get(table, "rows")) };
    json_t *edge;
    size_t i;
    int r;

    *ret = (struct scene){ .diagram.arena = a };
    r = s.rows ? boxes_set(&s) : -ENOMEM;
    json_array_foreach(json_object_get(s.picture, "edges"), i, edge) if (r == 0) r =
        edge_set(&s, edge);
    json_decref(s.rows);
    colours_count(ret);
    return r < 0 ? r : diagram_lay_out(&ret->diagram);
}
