/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_DIAGRAM_PARTS_H
#define PORTD_CTL_DIAGRAM_PARTS_H

#include "diagram.h"

/* Shared by diagram.c (who stands where) and diagram_routes.c (how the lines run). */

enum way { WAY_RIGHT, WAY_LEFT, WAY_MAX };

/* What stands in a column: a box, or a lane that a trunk takes through it. */
struct slot {
    bool is_lane;
    size_t box; /* itself, or whose trunk it is */
    enum way way;
    unsigned column;
    double y, height;
    double pull; /* where its neighbours are */
};

struct columns {
    struct slot *slots; /* sorted by column, then from top to bottom */
    size_t n_slots;
    size_t *begin; /* of each column, and the end of the last */
    double *x, *width;
    unsigned n;
    size_t *of_box; /* the slot of each box */
};

/* The way that an edge leaves its box. */
enum way edge_way(const struct diagram *l, const struct diagram_edge *e);
/* The slot of `box`'s trunk in a column: the box itself in its own. */
const struct slot *trunk_slot(const struct diagram *l, const struct columns *c, size_t box,
                              enum way way, unsigned column);

/* Gives the columns their places and the edges their points. 0 or -ENOMEM. */
int routes_compute(struct diagram *l, struct columns *c);

#endif
