/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_SCENE_H
#define PORTD_CTL_SCENE_H

#include "diagram.h"
#include "typeset.h"

#include <jansson.h>

/* The picture of a table with its texts set and its boxes and lines in their places. */

enum ink { INK_NAME, INK_TITLE, INK_WHO, INK_SERVICE, INK_CONDITION, INK_MAX };

/* A line of text, its baseline at `y` from the top of its box or row. */
struct scene_line {
    enum ink ink;
    const char *text;
    double y;
};

struct scene_lines {
    struct scene_line *items;
    size_t n;
    double height;
};

struct scene_box {
    const char *name, *kind, *title; /* borrowed from the picture */
    struct scene_lines lines;
    size_t colour; /* of those who ask, counted */
};

struct scene_edge {
    const char *label; /* all that its rows say, a line each */
    struct scene_lines lines;
};

#define SCENE_INSET 10 /* of the text in a box */

struct scene {
    struct diagram diagram;
    struct scene_box *boxes;  /* as diagram.boxes */
    struct scene_edge *edges; /* as diagram.edges */
};

/* `a` takes the memory, texts of the table are borrowed. 0 or -ENOMEM. */
int scene_set(struct arena *a, json_t *table, struct scene *ret);

#endif
