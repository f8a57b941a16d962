/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables as pictures. Nothing is drawn but rectangles, lines and text as text, so that it can be
 * searched, read aloud and printed; each line's title says what it carries. */
#include "matrix.h"
#include "print.h"
#include "scene.h"
#include "xml.h"

#include "base/macros.h"
#include "failure.h"

#include <math.h>
#include <string.h>

#define MARGIN  16
#define HEADING 34 /* above a picture */
#define GAP     28 /* below it */
#define CORNER  5
#define HEAD    7 /* an arrow's */
#define LOOP    12

static const struct {
    const char *light, *dark;
} colours[] = {
    { "#1f5fa8", "#6cabf2" }, { "#b3541e", "#ef9a63" }, { "#2f7d4f", "#72c795" },
    { "#8a3f8f", "#d493d9" }, { "#b0303c", "#f28b94" }, { "#0f7c86", "#5cc6d0" },
    { "#71700f", "#cfce6a" }, { "#5a5fc7", "#a6a9f5" },
};

static const char style_light[] = ".picture{font-family:sans-serif;fill:#1d2430}"
                                  ".picture .paper{fill:#fff}"
                                  ".picture .box{fill:#f4f6f8;stroke:#8b97a6}"
                                  ".picture .outside .box,.picture .group .box{fill:#fff}"
                                  ".picture .group .box{stroke-dasharray:4 3}"
                                  ".picture .rule{stroke:#d5dbe2}"
                                  ".picture .heading{font-size:17px;font-weight:700}"
                                  ".picture .name{font-size:13px;font-weight:700}"
                                  ".picture .title{font-size:11px;fill:#56616e}"
                                  ".picture .who{font:10.5px monospace;fill:#3c4754}"
                                  ".picture .service{font:11px monospace}"
                                  ".picture .condition{font-size:10.5px;font-style:italic;"
                                  "fill:#56616e}"
                                  ".picture .right{text-anchor:end}"
                                  ".picture .line{fill:none;stroke-width:1.5}"
                                  ".picture .head{stroke:none}";
static const char style_dark[] = ".picture{fill:#e4e8ee}"
                                 ".picture .paper{fill:#14181e}"
                                 ".picture .box{fill:#1e242d;stroke:#667386}"
                                 ".picture .outside .box,.picture .group .box{fill:#14181e}"
                                 ".picture .rule{stroke:#38424f}"
                                 ".picture .title,.picture .condition{fill:#a3aebb}"
                                 ".picture .who{fill:#c3ccd6}";

static void write_colours(FILE *f, bool is_dark) {
    for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
        const char *colour = is_dark ? colours[i].dark : colours[i].light;

        fprintf(f, ".picture .c%zu{stroke:%s;fill:%s}", i, colour, colour);
    }
}

/* Light, unless a screen asks for dark: paper never does. */
void svg_style(FILE *f) {
    write_colours(f, false);
    fputs(style_light, f);
    fputs("@media screen and (prefers-color-scheme:dark){", f);
    write_colours(f, true);
    fputs(style_dark, f);
    fputs("}", f);
}

/* --- lines --- */

/* How far before and behind a corner its curve begins. */
static double curve(double distance) {
    double half = fabs(distance) / 2, size = half < CORNER ? half : CORNER;

    return distance < 0 ? -size : size;
}

/* Through the points with round corners, short of the arrow. A path that leaves another edge's
 * begins with the curve. */
static void write_path(FILE *f, const struct diagram_edge *e) {
    const struct diagram_point *p = e->points;
    size_t last = e->n_points - 1, first = e->begin ? e->begin : 1;
    double end = p[last].x + (e->from_right ? HEAD : -HEAD);

    fputs("<path class=\"line\" d=\"", f);
    if (e->begin == 0)
        fprintf(f, "M%g %g", p[0].x, p[0].y);
    for (size_t i = first; i < last; i++) {
        double next_x = i + 1 == last ? end : p[i + 1].x;

        fprintf(f, "%c%g %gQ%g %g %g %g", e->begin && i == first ? 'M' : 'L',
                p[i].x - curve(p[i].x - p[i - 1].x), p[i].y - curve(p[i].y - p[i - 1].y), p[i].x,
                p[i].y, p[i].x + curve(next_x - p[i].x), p[i].y + curve(p[i + 1].y - p[i].y));
    }
    fprintf(f, "H%g\"/>", end);
}

static void write_head(FILE *f, double x, double y, bool from_right) {
    int back = from_right ? HEAD : -HEAD;

    fprintf(f, "<path class=\"head\" d=\"M%g %gl%d -4v8z\"/>", x, y, back);
}

static void write_edge(FILE *f, const struct scene *sc, size_t at) {
    const struct diagram_edge *e = &sc->diagram.edges[at];
    const struct diagram_box *to = &sc->diagram.boxes[e->to];

    fprintf(f, "<g class=\"c%zu\"><title>", sc->boxes[e->from].colour % ARRAY_SIZE(colours));
    xml_text(f, sc->edges[at].label);
    fputs("</title>", f);
    if (e->n_points > 0) {
        write_path(f, e);
        write_head(f, e->points[e->n_points - 1].x, e->points[e->n_points - 1].y, e->from_right);
    } else {
        double x = to->x + to->width, y = e->y + 5;

        fprintf(f, "<path class=\"line\" d=\"M%g %gh%dq4 0 4 4t-4 4h%d\"/>", x, y, LOOP - 4,
                HEAD - LOOP + 4);
        write_head(f, x, y + 8, true);
    }
    fputs("</g>\n", f);
}

/* --- boxes --- */

static const char *const ink_classes[] = {
    [INK_NAME] = "name",       [INK_TITLE] = "title",         [INK_WHO] = "who",
    [INK_SERVICE] = "service", [INK_CONDITION] = "condition",
};
static_assert(ARRAY_SIZE(ink_classes) == INK_MAX, "an ink has no class");

static void write_lines(FILE *f, const struct scene_lines *lines, double x, double y,
                        bool is_right) {
    for (size_t i = 0; i < lines->n; i++) {
        const struct scene_line *line = &lines->items[i];

        fprintf(f, "<text class=\"%s%s\" x=\"%g\" y=\"%g\">", ink_classes[line->ink],
                is_right ? " right" : "", x, y + line->y);
        xml_text(f, line->text);
        fputs("</text>", f);
    }
}

static void write_box(FILE *f, const struct scene *sc, size_t at) {
    const struct diagram_box *b = &sc->diagram.boxes[at];
    const struct scene_box *box = &sc->boxes[at];
    bool has_rows = false;

    fprintf(f, "<g class=\"%s\"><title>", box->kind);
    xml_text(f, box->name);
    fputs(*box->title ? ": " : "", f);
    xml_text(f, box->title);
    fprintf(f,
            "</title><rect class=\"box\" x=\"%g\" y=\"%g\" width=\"%g\" height=\"%g\" rx=\"4\"/>",
            b->x, b->y, b->width, b->height);
    write_lines(f, &box->lines, b->x + SCENE_INSET, b->y, false);
    for (size_t i = 0; i < sc->diagram.n_edges; i++) {
        const struct diagram_edge *e = &sc->diagram.edges[i];
        bool is_right = e->from_right || e->from == e->to;

        if (e->to != at)
            continue;
        if (!has_rows)
            fprintf(f, "<path class=\"rule\" d=\"M%g %gh%g\"/>", b->x, b->y + b->header - 3,
                    b->width);
        has_rows = true;
        write_lines(f, &sc->edges[i].lines,
                    b->x + (is_right ? b->width - SCENE_INSET : SCENE_INSET), e->y, is_right);
    }
    fputs("</g>\n", f);
}

static void write_scene(FILE *f, const struct scene *sc) {
    for (size_t i = 0; i < sc->diagram.n_edges; i++)
        write_edge(f, sc, i);
    for (size_t i = 0; i < sc->diagram.n_boxes; i++)
        write_box(f, sc, i);
}

/* --- documents --- */

static void write_begin(FILE *f, const char *label, double width, double height) {
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"picture\" role=\"img\" "
            "viewBox=\"%d %d %g %g\" width=\"%g\" height=\"%g\">\n<title>",
            -MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN, width + 2 * MARGIN,
            height + 2 * MARGIN);
    xml_text(f, label);
    fputs("</title>\n", f);
}

static void scene_need(struct arena *a, json_t *table, struct scene *ret) {
    if (!a || scene_set(a, table, ret) < 0)
        exit(failure_memory());
}

#define SHEET_WIDTH 900 /* pixels that can be read on a sheet that stands */

bool svg_is_wide(json_t *table) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct scene scene;

    scene_need(a, table, &scene);
    return scene.diagram.width > SHEET_WIDTH && scene.diagram.width > scene.diagram.height;
}

void svg_picture(FILE *f, json_t *table) {
    _cleanup_(arena_freep) struct arena *a = arena_new();
    struct scene scene;

    scene_need(a, table, &scene);
    write_begin(f, member_text(table, "title"), scene.diagram.width, scene.diagram.height);
    write_scene(f, &scene);
    fputs("</svg>\n", f);
}

void print_matrix_svg(json_t *matrix) {
    json_t *tables = json_object_get(matrix, "tables");
    _cleanup_(arena_freep) struct arena *a = arena_new();
    size_t n = json_array_size(tables);
    struct scene *scenes = a ? arena_alloc(a, n * sizeof(*scenes) + 1) : NULL;
    double width = 0, height = -GAP;

    if (!scenes)
        exit(failure_memory());
    for (size_t i = 0; i < n; i++) {
        scene_need(a, json_array_get(tables, i), &scenes[i]);
        if (scenes[i].diagram.width > width)
            width = scenes[i].diagram.width;
        height += HEADING + scenes[i].diagram.height + GAP;
    }
    puts("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
    write_begin(stdout, "Who talks to whom", width, height);
    fputs("<style>", stdout);
    svg_style(stdout);
    printf("</style>\n<rect class=\"paper\" x=\"%d\" y=\"%d\" width=\"%g\" height=\"%g\"/>\n",
           -MARGIN, -MARGIN, width + 2 * MARGIN, height + 2 * MARGIN);
    height = 0;
    for (size_t i = 0; i < n; i++) {
        printf("<text class=\"heading\" x=\"0\" y=\"%g\">", height + 16);
        xml_text(stdout, member_text(json_array_get(tables, i), "title"));
        printf("</text>\n<g transform=\"translate(%g %g)\">\n",
               (width - scenes[i].diagram.width) / 2, height + HEADING);
        write_scene(stdout, &scenes[i]);
        puts("</g>");
        height += HEADING + scenes[i].diagram.height + GAP;
    }
    puts("</svg>");
}
