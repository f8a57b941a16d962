/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between two columns is a gutter in which each trunk has a track of its own. What crosses is
 * then always at a right angle, and which trunk is whose can be followed by eye. */
#include "diagram_parts.h"

#include <errno.h>
#include <math.h>

#define GUTTER_PAD  22 /* from a box to the first track: room for an arrow and a loop */
#define TRACK_STEP  8
#define LOOP_ROOM   16
#define INLET_DOWN  9  /* from the top of a row */
#define OUTLET_DOWN 15 /* from the top of a box */
#define CLEARANCE   3  /* between lines that come from both sides of a gutter */

/* A trunk's part in one gutter: where it meets the column on the left, and that on the right. */
struct trunk {
    size_t box;
    enum way way;
    unsigned gutter; /* right of the column of this number */
    double *left, *right;
    size_t n_left, n_right;
    double top, bottom, x;
};

struct router {
    struct diagram *l;
    struct columns *c;
    struct trunk *trunks; /* sorted by gutter, then from left to right */
    size_t n_trunks;
    double *line_y; /* of each slot: where its trunk leaves it, or runs through it */
};

/* --- rows --- */

struct inlet {
    struct diagram_edge *edge;
    double y;  /* where it comes from */
    int group; /* from the left, from the right, from the box itself */
};

static int inlet_compare(const void *x, const void *y) {
    const struct inlet *a = x, *b = y;

    if (a->group != b->group)
        return a->group - b->group;
    if (a->y != b->y)
        return a->y < b->y ? -1 : 1;
    return a->edge < b->edge ? -1 : 1;
}

static struct inlet inlet_make(const struct router *rt, struct diagram_edge *e) {
    const struct diagram *l = rt->l;
    unsigned to = l->boxes[e->to].column;
    enum way way = edge_way(l, e);
    const struct slot *s;

    e->from_right = to <= l->boxes[e->from].column;
    if (e->from == e->to)
        return (struct inlet){ e, 0, 2 };
    s = trunk_slot(l, rt->c, e->from, way, way == WAY_LEFT ? to + 1 : e->from_right ? to : to - 1);
    return (struct inlet){ e, s->y, e->from_right };
}

/* The rows of a box stand in the order of those whom they are for. */
static void rows_place(struct router *rt, size_t box, struct inlet *scratch) {
    const struct diagram_box *b = &rt->l->boxes[box];
    double y = b->y + b->header;
    size_t n = 0;

    for (size_t i = 0; i < rt->l->n_edges; i++)
        if (rt->l->edges[i].to == box)
            scratch[n++] = inlet_make(rt, &rt->l->edges[i]);
    qsort(scratch, n, sizeof(*scratch), inlet_compare);
    for (size_t i = 0; i < n; i++) {
        scratch[i].edge->y = y;
        y += scratch[i].edge->height;
    }
}

static double inlet_y(const struct diagram_edge *e) {
    return e->y + INLET_DOWN;
}

/* --- where trunks leave --- */

/* Whether a line at `y` would lie beside one that comes from a neighbouring column. */
static bool is_taken(const struct router *rt, const struct slot *s, double y) {
    const struct diagram *l = rt->l;

    for (size_t i = 0; i < l->n_edges; i++) {
        unsigned column = l->boxes[l->edges[i].to].column;

        if ((column + 1 == s->column || column == s->column + 1) &&
            fabs(inlet_y(&l->edges[i]) - y) < CLEARANCE)
            return true;
    }
    for (const struct slot *other = rt->c->slots; other < s; other++)
        if (other->column + 1 == s->column &&
            fabs(rt->line_y[other - rt->c->slots] - y) < CLEARANCE)
            return true;
    return false;
}

static void lines_place(struct router *rt) {
    for (size_t i = 0; i < rt->c->n_slots; i++) {
        const struct slot *s = &rt->c->slots[i];
        double y = s->y + (s->is_lane ? s->height / 2 : OUTLET_DOWN), moved = y;

        for (unsigned n = 0; n < 5 && is_taken(rt, s, moved); n++)
            moved += CLEARANCE;
        rt->line_y[i] = moved;
    }
}

static double slot_line_y(const struct router *rt, const struct slot *s) {
    return rt->line_y[s - rt->c->slots];
}

/* --- trunks --- */

static struct trunk *trunk_find(struct router *rt, size_t box, enum way way, unsigned gutter) {
    for (size_t i = 0; i < rt->n_trunks; i++)
        if (rt->trunks[i].box == box && rt->trunks[i].way == way && rt->trunks[i].gutter == gutter)
            return &rt->trunks[i];
    return NULL;
}

static int meet(struct router *rt, struct trunk *t, bool on_left, double y) {
    double **all = on_left ? &t->left : &t->right;
    size_t *n = on_left ? &t->n_left : &t->n_right;
    double *one = ARENA_APPEND(rt->l->arena, *all, *n);

    if (!one)
        return -ENOMEM;
    *one = y;
    t->top = y < t->top ? y : t->top;
    t->bottom = y > t->bottom ? y : t->bottom;
    return 0;
}

/* The trunk in a gutter, begun where it leaves its box or the lane before. */
static struct trunk *trunk_get(struct router *rt, size_t box, enum way way, unsigned gutter) {
    struct trunk *t = trunk_find(rt, box, way, gutter);
    unsigned before = way == WAY_RIGHT ? gutter : gutter + 1;

    if (t)
        return t;
    t = ARENA_APPEND(rt->l->arena, rt->trunks, rt->n_trunks);
    if (!t)
        return NULL;
    *t = (struct trunk){
        .box = box, .way = way, .gutter = gutter, .top = INFINITY, .bottom = -INFINITY
    };
    return meet(rt, t, way == WAY_RIGHT,
                slot_line_y(rt, trunk_slot(rt->l, rt->c, box, way, before))) < 0
               ? NULL
               : t;
}

/* The gutters that an edge runs through, from its box to the one that it ends at. */
struct course {
    unsigned first, last;
};

static struct course edge_course(const struct diagram *l, const struct diagram_edge *e) {
    unsigned from = l->boxes[e->from].column, to = l->boxes[e->to].column;

    if (edge_way(l, e) == WAY_LEFT)
        return (struct course){ from - 1, to };
    return (struct course){ from, to == from ? from : to - 1 };
}

static bool course_next(const struct course *c, unsigned *gutter) {
    if (*gutter == c->last)
        return false;
    *gutter += c->last > c->first ? 1U : -1U;
    return true;
}

static int edge_trunks(struct router *rt, const struct diagram_edge *e) {
    const struct course course = edge_course(rt->l, e);
    enum way way = edge_way(rt->l, e);
    unsigned gutter = course.first;

    for (;;) {
        struct trunk *t = trunk_get(rt, e->from, way, gutter);
        unsigned ahead = way == WAY_RIGHT ? gutter + 1 : gutter;

        if (!t)
            return -ENOMEM;
        if (gutter == course.last)
            return meet(rt, t, e->from_right, inlet_y(e));
        if (!trunk_find(rt, e->from, way, ahead - (way == WAY_LEFT)) &&
            meet(rt, t, way == WAY_LEFT,
                 slot_line_y(rt, trunk_slot(rt->l, rt->c, e->from, way, ahead))) < 0)
            return -ENOMEM;
        course_next(&course, &gutter);
    }
}

/* --- tracks --- */

static size_t between(const double *ys, size_t n, double top, double bottom) {
    size_t within = 0;

    for (size_t i = 0; i < n; i++)
        within += ys[i] > top && ys[i] < bottom;
    return within;
}

/* How often two trunks cross when `a` runs left of `b`. */
static size_t crossings(const struct trunk *a, const struct trunk *b) {
    return between(b->left, b->n_left, a->top, a->bottom) +
           between(a->right, a->n_right, b->top, b->bottom);
}

static int trunk_compare(const void *x, const void *y) {
    const struct trunk *a = x, *b = y;

    if (a->gutter != b->gutter)
        return a->gutter < b->gutter ? -1 : 1;
    if (a->box != b->box)
        return a->box < b->box ? -1 : 1;
    return (int)a->way - (int)b->way;
}

/* Neighbours change places while that saves a crossing. */
static void tracks_order(struct trunk *trunks, size_t n) {
    bool changed = true;

    for (size_t pass = 0; pass < n && changed; pass++) {
        changed = false;
        for (size_t i = 1; i < n; i++)
            if (crossings(&trunks[i], &trunks[i - 1]) < crossings(&trunks[i - 1], &trunks[i])) {
                struct trunk t = trunks[i];

                trunks[i] = trunks[i - 1];
                trunks[i - 1] = t;
                changed = true;
            }
    }
}

static bool has_loop(const struct diagram *l, unsigned column) {
    for (size_t i = 0; i < l->n_edges; i++)
        if (l->edges[i].from == l->edges[i].to && l->boxes[l->edges[i].to].column == column)
            return true;
    return false;
}

static void columns_place(struct router *rt) {
    struct diagram *l = rt->l;
    struct columns *c = rt->c;
    size_t at = 0;
    double x = 0;

    for (unsigned column = 0; column < c->n; column++) {
        size_t n = 0;

        for (size_t i = 0; i < l->n_boxes; i++)
            if (l->boxes[i].column == column && l->boxes[i].width > c->width[column])
                c->width[column] = l->boxes[i].width;
        c->x[column] = x;
        x += c->width[column];
        while (at + n < rt->n_trunks && rt->trunks[at + n].gutter == column)
            n++;
        tracks_order(rt->trunks + at, n);
        for (size_t i = 0; i < n; i++)
            rt->trunks[at + i].x = x + GUTTER_PAD + (double)i * TRACK_STEP;
        if (n > 0)
            x += 2 * GUTTER_PAD + (double)(n - 1) * TRACK_STEP;
        else if (column + 1 < c->n)
            x += 2 * GUTTER_PAD;
        else if (has_loop(l, column))
            x += LOOP_ROOM;
        at += n;
    }
    l->width = x;
    for (size_t i = 0; i < l->n_boxes; i++) {
        l->boxes[i].x = c->x[l->boxes[i].column];
        l->boxes[i].width = c->width[l->boxes[i].column];
    }
}

/* --- points --- */

static int point_add(struct diagram *l, struct diagram_edge *e, double x, double y) {
    struct diagram_point *p = ARENA_APPEND(l->arena, e->points, e->n_points);

    if (!p)
        return -ENOMEM;
    *p = (struct diagram_point){ x, y };
    return 0;
}

static double box_side(const struct diagram_box *b, bool is_right) {
    return is_right ? b->x + b->width : b->x;
}

static int edge_points(struct router *rt, struct diagram_edge *e) {
    struct diagram *l = rt->l;
    enum way way = edge_way(l, e);
    const struct course course = edge_course(l, e);
    unsigned gutter = course.first;
    double y = slot_line_y(rt, trunk_slot(l, rt->c, e->from, way, l->boxes[e->from].column));
    int r = point_add(l, e, box_side(&l->boxes[e->from], way == WAY_RIGHT), y);

    do {
        const struct trunk *t = trunk_find(rt, e->from, way, gutter);
        double next = gutter == course.last
                          ? inlet_y(e)
                          : slot_line_y(rt, trunk_slot(l, rt->c, e->from, way,
                                                       way == WAY_RIGHT ? gutter + 1 : gutter));

        if (r == 0)
            r = point_add(l, e, t->x, y);
        if (r == 0)
            r = point_add(l, e, t->x, next);
        y = next;
    } while (r == 0 && course_next(&course, &gutter));
    return r < 0 ? r : point_add(l, e, box_side(&l->boxes[e->to], e->from_right), inlet_y(e));
}

/* Where two edges of a box part, the one that goes farther up draws what they share, else the one
 * that goes farther down: the last point up to which `other` does that for `e`. */
static size_t points_shared(const struct diagram_edge *e, const struct diagram_edge *other) {
    const struct diagram_point *a = e->points, *b = other->points;
    bool is_down, other_is_down;
    size_t n = 0;

    while (n < e->n_points && n < other->n_points && a[n].x == b[n].x && a[n].y == b[n].y)
        n++;
    if (n == 0 || n == e->n_points || n == other->n_points)
        return 0;
    is_down = a[n].y > a[n - 1].y;
    other_is_down = b[n].y > a[n - 1].y;
    if (is_down != other_is_down)
        return is_down ? n - 1 : 0;
    return fabs(b[n].y - a[n - 1].y) > fabs(a[n].y - a[n - 1].y) ? n : 0;
}

static void edge_begin(const struct diagram *l, struct diagram_edge *e) {
    for (size_t i = 0; i < l->n_edges; i++) {
        const struct diagram_edge *other = &l->edges[i];
        size_t n = other != e && other->from == e->from ? points_shared(e, other) : 0;

        e->begin = n > e->begin ? n : e->begin;
    }
}

int routes_compute(struct diagram *l, struct columns *c) {
    struct router rt = { .l = l, .c = c };
    struct inlet *scratch = arena_alloc(l->arena, (l->n_edges + 1) * sizeof(*scratch));
    int r = 0;

    rt.line_y = arena_alloc(l->arena, c->n_slots * sizeof(*rt.line_y));
    if (!scratch || !rt.line_y)
        return -ENOMEM;
    for (size_t i = 0; i < l->n_boxes; i++)
        rows_place(&rt, i, scratch);
    lines_place(&rt);
    for (size_t i = 0; i < l->n_edges && r == 0; i++)
        if (l->edges[i].from != l->edges[i].to)
            r = edge_trunks(&rt, &l->edges[i]);
    if (rt.n_trunks > 0)
        qsort(rt.trunks, rt.n_trunks, sizeof(*rt.trunks), trunk_compare);
    columns_place(&rt);
    for (size_t i = 0; i < l->n_edges && r == 0; i++)
        if (l->edges[i].from != l->edges[i].to)
            r = edge_points(&rt, &l->edges[i]);
    for (size_t i = 0; i < l->n_edges && r == 0; i++)
        edge_begin(l, &l->edges[i]);
    return r;
}
