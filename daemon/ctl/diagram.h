/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_DIAGRAM_H
#define PORTD_CTL_DIAGRAM_H

#include "base/arena.h"

#include <stdbool.h>

/* Where boxes stand and lines run in a picture of who asks whom: boxes in columns, those who only
 * ask on the left, those who are only asked on the right, the others between by their distance
 * from the left. Of each box one trunk leads to all whom it asks, so that no two lines lie on each
 * other. Knows nothing of text: sizes come in, places go out, in pixels. */

enum diagram_rank { DIAGRAM_LEFT, DIAGRAM_MIDDLE, DIAGRAM_RIGHT };

struct diagram_point {
    double x, y;
};

struct diagram_box {
    enum diagram_rank rank;
    double width, header; /* what it needs; the header is at least DIAGRAM_HEADER_MIN high */
    /* out */
    unsigned column;
    double x, y, height; /* all boxes of a column are as wide as its widest */
};

/* `to` is asked by `from`. Below its header a box has a row for each edge that ends there. */
struct diagram_edge {
    size_t from, to; /* boxes */
    double height;   /* that its row needs, at least DIAGRAM_ROW_MIN */
    /* out */
    bool from_right; /* it ends on the right side of its box */
    double y;        /* of the row */
    struct diagram_point *points;
    size_t n_points; /* 0: `from` is `to` */
    size_t begin;    /* the first point to draw: other edges draw what leads to it */
};

#define DIAGRAM_HEADER_MIN 30
#define DIAGRAM_ROW_MIN    16
#define DIAGRAM_PADDING    6 /* below the last row of a box */

struct diagram {
    struct arena *arena;
    struct diagram_box *boxes;
    struct diagram_edge *edges; /* at most one from one box to another */
    size_t n_boxes, n_edges;
    double width, height; /* out */
};

/* `l` comes with arena, boxes and edges. 0 or -ENOMEM; the same input gives the same picture. */
int diagram_lay_out(struct diagram *l);

#endif
