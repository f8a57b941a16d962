/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The usual steps for layered pictures (Sugiyama, Tagawa and Toda 1981): columns by distance, an
 * order in each that follows the neighbours, then coordinates. Rows inside the boxes take the
 * place of labels on the lines, so nothing has to be moved out of the way afterwards. */
#include "diagram_parts.h"

#include <errno.h>
#include <math.h>

#define COLUMNS_MIDDLE_MAX 3U /* more would not fit a sheet of paper */
#define SWEEPS             8U
#define GAP_BOX            14
#define FILL_FROM          1.5 /* times the height of the highest other column */
#define LANE_HEIGHT        6

enum way edge_way(const struct diagram *l, const struct diagram_edge *e) {
    return l->boxes[e->to].column < l->boxes[e->from].column ? WAY_LEFT : WAY_RIGHT;
}

/* --- columns --- */

static double box_height(const struct diagram *l, size_t box) {
    double height = l->boxes[box].header;
    size_t n = 0;

    for (size_t i = 0; i < l->n_edges; i++)
        if (l->edges[i].to == box) {
            height += l->edges[i].height;
            n++;
        }
    return n ? height + DIAGRAM_PADDING : height;
}

/* Middle boxes stand behind the nearest that asks them; whom nobody else asks, in the first. */
static unsigned middle_assign(struct diagram *l) {
    unsigned last = 0;

    for (size_t i = 0; i < l->n_boxes; i++)
        l->boxes[i].column = l->boxes[i].rank == DIAGRAM_LEFT ? 0 : COLUMNS_MIDDLE_MAX + 1;
    for (unsigned column = 0; column < COLUMNS_MIDDLE_MAX; column++)
        for (size_t i = 0; i < l->n_edges; i++) {
            struct diagram_box *to = &l->boxes[l->edges[i].to];

            if (l->boxes[l->edges[i].from].column == column && to->rank == DIAGRAM_MIDDLE &&
                to->column > column + 1)
                to->column = column + 1;
        }
    for (size_t i = 0; i < l->n_boxes; i++) {
        struct diagram_box *b = &l->boxes[i];

        if (b->rank == DIAGRAM_MIDDLE && b->column > COLUMNS_MIDDLE_MAX)
            b->column = 1;
        if (b->rank == DIAGRAM_MIDDLE && b->column > last)
            last = b->column;
    }
    return last;
}

/* The first column in which a box stands behind all that ask it. */
static unsigned column_behind(const struct diagram *l, size_t box) {
    unsigned column = 1;

    for (size_t i = 0; i < l->n_edges; i++)
        if (l->edges[i].to == box && l->boxes[l->edges[i].from].column >= column)
            column = l->boxes[l->edges[i].from].column + 1;
    return column;
}

static double highest(const double *heights, unsigned n) {
    double height = 0;

    for (unsigned i = 0; i < n; i++)
        height = heights[i] > height ? heights[i] : height;
    return height;
}

/* Those who are only asked stand behind all others. Where that makes a column that is much higher
 * than the rest, they fill the room that the others leave. */
static void right_assign(struct diagram *l, unsigned last) {
    double heights[COLUMNS_MIDDLE_MAX + 2] = { 0 }, right = 0, limit;

    for (size_t i = 0; i < l->n_boxes; i++) {
        l->boxes[i].height = box_height(l, i);
        if (l->boxes[i].rank == DIAGRAM_RIGHT)
            right += l->boxes[i].height + GAP_BOX;
        else
            heights[l->boxes[i].column] += l->boxes[i].height + GAP_BOX;
    }
    limit = highest(heights, last + 1);
    for (size_t i = 0; i < l->n_boxes; i++) {
        unsigned column = right > FILL_FROM * limit ? column_behind(l, i) : last + 1;

        if (l->boxes[i].rank != DIAGRAM_RIGHT)
            continue;
        while (column <= last && heights[column] + l->boxes[i].height > limit)
            column++;
        l->boxes[i].column = column;
        heights[column] += l->boxes[i].height + GAP_BOX;
    }
}

static void columns_assign(struct diagram *l) {
    right_assign(l, middle_assign(l));
}

/* Columns without a box are left out. */
static unsigned columns_close_up(struct diagram *l) {
    unsigned n = 0;

    for (unsigned column = 0; column <= COLUMNS_MIDDLE_MAX + 1; column++) {
        bool is_used = false;

        for (size_t i = 0; i < l->n_boxes; i++)
            if (l->boxes[i].column == column) {
                l->boxes[i].column = n;
                is_used = true;
            }
        n += is_used;
    }
    return n;
}

/* --- slots --- */

static struct slot *slot_add(struct diagram *l, struct columns *c, struct slot slot) {
    struct slot *s = ARENA_APPEND(l->arena, c->slots, c->n_slots);

    if (s)
        *s = slot;
    return s;
}

/* The columns that the trunk of a box passes through on its way, the box's own left out. */
struct reach {
    unsigned nearest, farthest;
};

static struct reach trunk_reach(const struct diagram *l, size_t box, enum way way) {
    struct reach r = { l->boxes[box].column, l->boxes[box].column };

    for (size_t i = 0; i < l->n_edges; i++) {
        unsigned column = l->boxes[l->edges[i].to].column;

        if (l->edges[i].from != box || edge_way(l, &l->edges[i]) != way)
            continue;
        r.nearest = column < r.nearest ? column : r.nearest;
        r.farthest = column > r.farthest ? column : r.farthest;
    }
    return r;
}

static int lanes_add(struct diagram *l, struct columns *c, size_t box) {
    for (enum way way = 0; way < WAY_MAX; way++) {
        struct reach r = trunk_reach(l, box, way);

        for (unsigned column = r.nearest + 1; column < r.farthest; column++) {
            if (column == l->boxes[box].column)
                continue;
            if (!slot_add(l, c,
                          (struct slot){ .is_lane = true,
                                         .box = box,
                                         .way = way,
                                         .column = column,
                                         .height = LANE_HEIGHT }))
                return -ENOMEM;
        }
    }
    return 0;
}

static int slots_make(struct diagram *l, struct columns *c) {
    int r = 0;

    for (size_t i = 0; i < l->n_boxes && r == 0; i++) {
        r = slot_add(l, c,
                     (struct slot){
                         .box = i, .column = l->boxes[i].column, .height = l->boxes[i].height })
                ? lanes_add(l, c, i)
                : -ENOMEM;
    }
    return r;
}

static int slot_compare(const void *x, const void *y) {
    const struct slot *a = x, *b = y;

    if (a->column != b->column)
        return a->column < b->column ? -1 : 1;
    if (a->pull != b->pull)
        return a->pull < b->pull ? -1 : 1;
    if (a->box != b->box)
        return a->box < b->box ? -1 : 1;
    return (int)a->is_lane - (int)b->is_lane;
}

/* Sorts by column and pull, and stacks each column from the top. */
static void slots_stack(struct columns *c) {
    double y = 0;

    assert(c->slots); /* there are boxes */
    qsort(c->slots, c->n_slots, sizeof(*c->slots), slot_compare);
    for (size_t i = 0; i < c->n_slots; i++) {
        struct slot *s = &c->slots[i];

        if (i == 0 || s[-1].column != s->column) {
            y = 0;
            c->begin[s->column] = i;
        }
        s->y = y;
        y += s->height + GAP_BOX;
        if (!s->is_lane)
            c->of_box[s->box] = i;
    }
    c->begin[c->n] = c->n_slots;
}

static double column_height(const struct columns *c, unsigned column) {
    const struct slot *last;

    assert(c->slots);
    last = &c->slots[c->begin[column + 1] - 1];
    return last->y + last->height;
}

/* Each column stands in the middle of the highest. */
static void columns_center(struct diagram *l, struct columns *c) {
    l->height = 0;
    for (unsigned i = 0; i < c->n; i++)
        if (column_height(c, i) > l->height)
            l->height = column_height(c, i);
    for (unsigned i = 0; i < c->n; i++) {
        double down = (l->height - column_height(c, i)) / 2;

        for (size_t j = c->begin[i]; j < c->begin[i + 1]; j++)
            c->slots[j].y += down;
    }
}

const struct slot *trunk_slot(const struct diagram *l, const struct columns *c, size_t box,
                              enum way way, unsigned column) {
    if (l->boxes[box].column == column)
        return &c->slots[c->of_box[box]];
    for (size_t i = c->begin[column]; i < c->begin[column + 1]; i++)
        if (c->slots[i].is_lane && c->slots[i].box == box && c->slots[i].way == way)
            return &c->slots[i];
    return NULL;
}

/* --- order --- */

/* A sum of neighbours' places. */
struct mean {
    double sum;
    size_t n;
};

static void mean_add(struct mean *m, const struct slot *s) {
    m->sum += s->y + s->height / 2;
    m->n++;
}

/* Where the neighbours of a slot are that stand in the column before it, or behind it. */
static struct mean slot_pull(const struct diagram *l, const struct columns *c, const struct slot *s,
                             bool from_before) {
    struct mean m = { 0 };

    for (size_t i = 0; i < l->n_edges; i++) {
        const struct diagram_edge *e = &l->edges[i];
        size_t other = e->from == s->box ? e->to : e->from;
        unsigned column = l->boxes[other].column;

        if (e->from != s->box && (s->is_lane || e->to != s->box))
            continue;
        if (column != s->column && (column < s->column) == from_before)
            mean_add(&m, &c->slots[c->of_box[other]]);
        else if (s->is_lane && e->from == s->box)
            mean_add(&m, &c->slots[c->of_box[s->box]]);
    }
    return m;
}

/* Boxes without a line to others go to the bottom. */
static bool is_alone(const struct diagram *l, const struct slot *s) {
    for (size_t i = 0; i < l->n_edges; i++) {
        const struct diagram_edge *e = &l->edges[i];

        if (e->from != e->to && (e->from == s->box || e->to == s->box))
            return false;
    }
    return true;
}

static void slots_order(struct diagram *l, struct columns *c) {
    for (unsigned sweep = 0; sweep < SWEEPS; sweep++) {
        for (size_t i = 0; i < c->n_slots; i++) {
            struct mean m = slot_pull(l, c, &c->slots[i], sweep % 2 == 0);

            if (m.n > 0)
                c->slots[i].pull = m.sum / (double)m.n;
            else if (is_alone(l, &c->slots[i]))
                c->slots[i].pull = INFINITY;
            else
                c->slots[i].pull = c->slots[i].y + c->slots[i].height / 2;
        }
        slots_stack(c);
        columns_center(l, c);
    }
}

int diagram_lay_out(struct diagram *l) {
    struct columns c = { 0 };
    int r;

    if (l->n_boxes == 0)
        return 0;
    columns_assign(l);
    c.n = columns_close_up(l);
    c.begin = arena_alloc(l->arena, (c.n + 1) * sizeof(*c.begin));
    c.of_box = arena_alloc(l->arena, l->n_boxes * sizeof(*c.of_box));
    c.x = arena_alloc(l->arena, c.n * sizeof(*c.x));
    c.width = arena_alloc(l->arena, c.n * sizeof(*c.width));
    if (!c.begin || !c.of_box || !c.x || !c.width)
        return -ENOMEM;
    r = slots_make(l, &c);
    if (r < 0)
        return r;
    slots_stack(&c);
    columns_center(l, &c);
    slots_order(l, &c);
    for (size_t i = 0; i < l->n_boxes; i++)
        l->boxes[i].y = c.slots[c.of_box[i]].y;
    return routes_compute(l, &c);
}
