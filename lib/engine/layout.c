/* SPDX-License-Identifier: GPL-2.0-or-later */
/* jansson writes all of a value on one line, or every item of it on its own: a list of two
 * addresses would take four lines. Here it writes the lines, and what is broken up is decided by
 * what fits. */
#include "engine/layout.h"

#include "base/macros.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 100
#define INDENT    2

struct layout {
    FILE *f;
    bool has_failed;
};

static bool is_container(const json_t *value) {
    return json_is_array(value) || json_is_object(value);
}

/* No deeper than a line is easily read: an object of lists. */
static bool is_plain(json_t *value) {
    const char *key;
    json_t *child;
    size_t i;

    json_array_foreach(value, i, child) if (is_container(child)) return false;
    json_object_foreach(value, key,
                        child) if (json_is_object(child) || !is_plain(child)) return false;
    return true;
}

/* How far a value on one line reaches, and the comma behind it. */
static int line_end(const json_t *value, int column) {
    size_t n = json_dumpb(value, NULL, 0, JSON_ENCODE_ANY);

    return column + (int)n + (json_is_object(value) ? 3 : 1);
}

/* A single item gains nothing by a line of its own. */
static bool is_line(json_t *value, int column) {
    return !is_container(value) ||
           (is_plain(value) && (line_end(value, column) <= WIDTH_MAX ||
                                (json_is_array(value) && json_array_size(value) < 2)));
}

static void line_write(struct layout *l, const json_t *value) {
    _cleanup_(freep) char *text = json_dumps(value, JSON_ENCODE_ANY);
    bool is_spaced = json_object_size(value) > 0;

    if (!text)
        l->has_failed = true;
    else if (is_spaced) /* { "a": 1 } */
        fprintf(l->f, "{ %.*s }", (int)strlen(text) - 2, text + 1);
    else
        fputs(text, l->f);
}

static int key_width(const char *key) {
    return (int)strlen(key) + (int)strlen("\"\": ");
}

static void key_write(struct layout *l, const char *key) {
    json_t *text = json_string(key);

    line_write(l, text);
    fputs(": ", l->f);
    json_decref(text);
}

/* An object of lists, as a host is: those in one parent look alike. */
static bool is_record(json_t *value) {
    const char *key;
    json_t *child;

    json_object_foreach(value, key, child) if (json_is_array(child)) return is_plain(value);
    return false;
}

static bool are_records_lines(json_t *parent, int indent) {
    const char *key;
    json_t *child;
    size_t i;

    json_array_foreach(parent, i,
                       child) if (is_record(child) && !is_line(child, indent)) return false;
    json_object_foreach(parent, key,
                        child) if (is_record(child) &&
                                   !is_line(child, indent + key_width(key))) return false;
    return true;
}

static void block_write(struct layout *l, json_t *value, int indent);

static void child_write(struct layout *l, json_t *child, int indent, int column,
                        bool are_records_on_lines) {
    if (is_record(child) ? are_records_on_lines : is_line(child, column))
        line_write(l, child);
    else
        block_write(l, child, indent);
}

static void block_write(struct layout *l, json_t *value, int indent) {
    int inner = indent + INDENT;
    bool lines = are_records_lines(value, inner);
    const char *key, *comma = "";
    json_t *child;
    size_t i;

    fputc(json_is_array(value) ? '[' : '{', l->f);
    json_array_foreach(value, i, child) {
        fprintf(l->f, "%s\n%*s", comma, inner, "");
        child_write(l, child, inner, inner, lines);
        comma = ",";
    }
    json_object_foreach(value, key, child) {
        fprintf(l->f, "%s\n%*s", comma, inner, "");
        key_write(l, key);
        child_write(l, child, inner, inner + key_width(key), lines);
        comma = ",";
    }
    fprintf(l->f, "\n%*s%c", indent, "", json_is_array(value) ? ']' : '}');
}

char *layout_text(const json_t *value) {
    json_t *top = (json_t *)value; /* jansson's iterators are not const, and change nothing */
    struct layout l = { 0 };
    char *text = NULL;
    size_t size;

    l.f = open_memstream(&text, &size);
    if (!l.f)
        return NULL;
    if (is_container(value) && json_array_size(value) + json_object_size(value) > 0)
        block_write(&l, top, 0);
    else
        line_write(&l, value);
    fputc('\n', l.f);
    if (fclose(l.f) == 0 && !l.has_failed)
        return text;
    free(text);
    return NULL;
}
