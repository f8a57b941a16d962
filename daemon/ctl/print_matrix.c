/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A product's table for those who know the vendor's page: its rows, then what a row can't say. */
#include "print.h"

#include "base/macros.h"
#include "table.h"

#include <string.h>

static void set_list(struct table *t, size_t column, json_t *row, const char *key) {
    _cleanup_(freep) char *text = member_list(row, key, ", ");

    table_set(t, column, text ? text : "?", COLOUR_NONE);
}

static void set_services(struct table *t, size_t column, json_t *row) {
    _cleanup_(freep) char *services = member_list(row, "services", ", ");
    _cleanup_(freep) char *text = NULL;

    if (services &&
        asprintf(&text, "%s%s", services,
                 json_is_true(json_object_get(row, "broadcast")) ? " broadcast" : "") < 0)
        text = NULL;
    table_set(t, column, text ? text : "?", COLOUR_NONE);
}

static void print_rows(json_t *rows) {
    static const struct column columns[] = {
        { "FLOW", false, false },    { "FROM", true, false }, { "TO", true, false },
        { "SERVICES", true, false }, { "WHEN", true, false }, { "TITLE", true, false },
    };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        table_add_row(t);
        table_set(t, 0, member_text(row, "flow"), COLOUR_NONE);
        set_list(t, 1, row, "from");
        set_list(t, 2, row, "to");
        set_services(t, 3, row);
        set_list(t, 4, row, "when");
        table_set(t, 5, member_text(row, "title"), COLOUR_NONE);
    }
    table_print(t);
}

static void print_flow_notes(json_t *rows) {
    static const struct column columns[] = { { "FLOW", false, false }, { "NOTE", true, false } };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    bool has_any = false;
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        if (!*member_text(row, "note"))
            continue;
        has_any = true;
        table_add_row(t);
        table_set(t, 0, member_text(row, "flow"), COLOUR_NONE);
        table_set(t, 1, member_text(row, "note"), COLOUR_NONE);
    }
    if (has_any)
        putchar('\n');
    table_print(t);
}

static void print_peers(json_t *peers) {
    static const struct column columns[] = { { "PEERS", false, false },
                                             { "WHO", true, false },
                                             { "ADDRESSES", true, false } };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    json_t *peer;
    size_t i;

    json_array_foreach(peers, i, peer) {
        table_add_row(t);
        table_set(t, 0, member_text(peer, "peer"), COLOUR_NONE);
        table_set(t, 1, member_text(peer, "title"), COLOUR_NONE);
        table_set(t, 2, member_text(peer, "unbound"), COLOUR_NONE);
    }
    if (json_array_size(peers) > 0)
        putchar('\n');
    table_print(t);
}

static void print_notes(json_t *notes) {
    json_t *note;
    size_t i;

    if (json_array_size(notes) > 0)
        puts("\nNOTES");
    json_array_foreach(notes, i, note) print_paragraph("- ", json_string_value(note));
}

void print_matrix(json_t *tables) {
    json_t *table;
    size_t i;

    json_array_foreach(tables, i, table) {
        const char *source = member_text(table, "source");

        printf("%s%s: %s\n", i ? "\n\n" : "", member_text(table, "product"),
               member_text(table, "title"));
        if (*source)
            print_paragraph("source: ", source);
        putchar('\n');
        print_rows(json_object_get(table, "rows"));
        print_flow_notes(json_object_get(table, "rows"));
        print_peers(json_object_get(table, "peers"));
        print_notes(json_object_get(table, "notes"));
    }
}
