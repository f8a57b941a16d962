/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verdict first, then each row that has to do with it and where it stands. */
#include "print.h"

#include "base/macros.h"
#include "screen.h"

#include <string.h>

/* "tcp/3306 from internal", malloc'ed, of a Flow or a Near. */
static char *row_text(json_t *row, const char *direction) {
    bool is_in = strcmp(direction, "in") == 0;
    const char *key = json_object_get(row, "parties") ? "parties" : is_in ? "from" : "to";
    _cleanup_(freep) char *services = member_list(row, "services", ", ");
    _cleanup_(freep) char *parties = member_list(row, key, ", ");
    char *text;

    if (!services || !parties ||
        asprintf(&text, "%s %s %s", services, is_in ? "from" : "to", parties) < 0)
        return NULL;
    return text;
}

/* "jtel-acd.json:188", malloc'ed. */
static char *row_place(json_t *row) {
    const char *file = member_text(row, "file"), *slash = strrchr(file, '/');
    char *text;

    if (asprintf(&text, "%s:%lld", slash ? slash + 1 : file,
                 (long long)json_integer_value(json_object_get(row, "line"))) < 0)
        return NULL;
    return text;
}

struct widths {
    size_t name, text;
};

static void widths_add(struct widths *w, json_t *row, const char *direction) {
    _cleanup_(freep) char *text = row_text(row, direction);
    _cleanup_(freep) char *place = row_place(row);
    size_t name = text_width(member_text(row, "flow"));
    size_t n = place ? text_width(place) : 0;

    name = n > name ? n : name;
    w->name = name > w->name ? name : w->name;
    n = text ? text_width(text) : 0;
    w->text = n > w->text ? n : w->text;
}

static void print_padded(const char *text, size_t width) {
    size_t used = text_width(text);

    printf("%s%*s", text, used < width ? (int)(width - used) : 0, "");
}

static void print_row(json_t *row, const char *label, const char *direction,
                      const struct widths *w) {
    _cleanup_(freep) char *text = row_text(row, direction);
    _cleanup_(freep) char *place = row_place(row);
    const char *reason = member_text(row, "reason"), *ref = member_text(row, "ref");
    const char *note = member_text(row, "note");

    printf(" %-4s  ", label);
    print_padded(member_text(row, "flow"), w->name + 2);
    if (*reason)
        print_padded(text ? text : "?", w->text + 2);
    printf("%s\n", *reason ? reason : text ? text : "?");
    printf("       %s", screen_colour(COLOUR_DIM));
    print_padded(place ? place : "?", *ref ? w->name + 2 : 0);
    printf("%s%s\n", ref, screen_colour(COLOUR_NONE));
    if (*note)
        print_paragraph("       note: ", note);
}

static void print_verdict(json_t *explanation) {
    const char *verdict = member_text(explanation, "verdict");
    bool is_accept = strcmp(verdict, "ACCEPT") == 0;

    fputs(screen_colour(is_accept ? COLOUR_GOOD : COLOUR_BAD), stdout);
    print_padded(verdict, 6);
    printf("%s %s\n", screen_colour(COLOUR_NONE), member_text(explanation, "text"));
}

void print_explanation(json_t *explanation) {
    const char *direction = member_text(explanation, "direction");
    json_t *near = json_object_get(explanation, "near"), *row;
    json_t *flow = json_object_get(explanation, "flow");
    struct widths w = { 0 };
    size_t i;

    if (flow)
        widths_add(&w, flow, direction);
    json_array_foreach(near, i, row) widths_add(&w, row, direction);
    print_verdict(explanation);
    if (flow)
        print_row(flow, "flow", direction, &w);
    json_array_foreach(near, i, row) print_row(row, i ? "" : "near", direction, &w);
}
