/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsmartcols shrinks columns without regard to words, down to the width of their names. So the
 * widths are chosen here, the widest wrapping column giving way first, and the texts are broken
 * to them; libsmartcols then has only to align, colour and print. */
#include "table.h"

#include "base/macros.h"
#include "failure.h"

#include <libsmartcols.h>
#include <stdint.h>
#include <string.h>

struct cell {
    char *text; /* NULL: empty */
    enum colour colour;
};

struct row {
    struct cell cells[TABLE_COLUMNS_MAX];
};

struct table {
    const struct column *columns;
    size_t n_columns;
    struct row *rows;
    size_t n_rows;
};

static void *need(void *memory) {
    if (!memory)
        exit(failure_memory());
    return memory;
}

struct table *table_new(const struct column *columns, size_t n) {
    struct table *t = need(calloc(1, sizeof(*t)));

    assert(n <= TABLE_COLUMNS_MAX);
    t->columns = columns;
    t->n_columns = n;
    return t;
}

void table_add_row(struct table *t) {
    t->rows = need(reallocarray(t->rows, t->n_rows + 1, sizeof(*t->rows)));
    t->rows[t->n_rows++] = (struct row){ 0 };
}

void table_set(struct table *t, size_t column, const char *text, enum colour colour) {
    struct cell *cell = &t->rows[t->n_rows - 1].cells[column];

    free(cell->text);
    *cell = (struct cell){ .text = need(strdup(text)), .colour = colour };
}

/* The width of the longest word. */
static size_t word_width(const char *text) {
    _cleanup_(freep) char *words = need(strdup(text));
    char *rest = words;
    const char *word;
    size_t width = 0;

    while ((word = strsep(&rest, " "))) {
        size_t w = text_width(word);

        width = w > width ? w : width;
    }
    return width;
}

struct width {
    size_t least, now;
};

static void width_add(struct width *w, const char *text, bool may_wrap) {
    size_t now = text_width(text), least = may_wrap ? word_width(text) : now;

    w->now = now > w->now ? now : w->now;
    w->least = least > w->least ? least : w->least;
}

/* The column that gives way next, or NULL. */
static struct width *width_widest(struct width *widths, size_t n) {
    struct width *widest = NULL;

    for (size_t i = 0; i < n; i++)
        if (widths[i].now > widths[i].least && (!widest || widths[i].now > widest->now))
            widest = &widths[i];
    return widest;
}

static void table_lay_out(const struct table *t, struct width *widths) {
    size_t available = screen_width(), total = t->n_columns - 1;
    struct width *widest;

    for (size_t i = 0; i < t->n_columns; i++) {
        width_add(&widths[i], t->columns[i].name, false);
        for (size_t j = 0; j < t->n_rows; j++)
            if (t->rows[j].cells[i].text)
                width_add(&widths[i], t->rows[j].cells[i].text, t->columns[i].may_wrap);
        total += widths[i].now;
    }
    while (total > available && (widest = width_widest(widths, t->n_columns))) {
        widest->now--;
        total--;
    }
}

/* Turns the blank before each word that no longer fits the line into the end of the line. */
static void text_break(char *text, size_t width) {
    char *line = text;

    for (char *blank = strchr(text, ' '); blank; blank = strchr(blank + 1, ' ')) {
        char *end = strchrnul(blank + 1, ' '), was = *end;

        *end = '\0';
        if (text_width(line) > width) {
            *blank = '\n';
            line = blank + 1;
        }
        *end = was;
    }
}

static void line_fill(struct libscols_line *line, const struct table *t, const struct row *row,
                      const struct width *widths) {
    for (size_t i = 0; i < t->n_columns; i++) {
        const struct cell *cell = &row->cells[i];

        if (!cell->text)
            continue;
        text_break(cell->text, widths[i].now);
        if (scols_line_set_data(line, i, cell->text) < 0)
            exit(failure_memory());
        if (cell->colour != COLOUR_NONE)
            scols_cell_set_color(scols_line_get_cell(line, i), screen_colour_name(cell->colour));
    }
}

static void table_free(struct table *t) {
    for (size_t i = 0; i < t->n_rows; i++)
        for (size_t j = 0; j < t->n_columns; j++)
            free(t->rows[i].cells[j].text);
    free(t->rows);
    free(t);
}

void table_print(struct table *t) {
    struct libscols_table *out = need(scols_new_table());
    struct width widths[TABLE_COLUMNS_MAX] = { 0 };

    table_lay_out(t, widths);
    scols_table_enable_colors(out, screen_has_colour());
    for (size_t i = 0; i < t->n_columns; i++) {
        struct libscols_column *column =
            need(scols_table_new_column(out, t->columns[i].name, (double)widths[i].now,
                                        t->columns[i].is_number ? SCOLS_FL_RIGHT : SCOLS_FL_WRAP));

        scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
        scols_column_set_safechars(column, "\n");
    }
    for (size_t i = 0; i < t->n_rows; i++)
        line_fill(need(scols_table_new_line(out, NULL)), t, &t->rows[i], widths);
    if (t->n_rows > 0)
        scols_print_table(out);
    scols_unref_table(out);
    table_free(t);
}
