/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For those who know the vendor's page its rows, then what a row can't say; for a site who is
 * reached by whom, host by host. */
#include "matrix.h"
#include "print.h"

#include "base/macros.h"
#include "failure.h"
#include "table.h"

#include <string.h>

static void set_list(struct table *t, size_t column, json_t *row, const char *key) {
    _cleanup_(freep) char *text = member_list(row, key, ", ");

    table_set(t, column, text ? text : "?", COLOUR_NONE);
}

static void set_services(struct table *t, size_t column, json_t *row) {
    _cleanup_(freep) char *text = services_text(row, ", ");

    table_set(t, column, text, COLOUR_NONE);
}

/* --- of a table --- */

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

/* The members of objects as the columns of a table. */
static void print_objects(json_t *objects, const struct column *columns, const char *const *keys,
                          size_t n) {
    struct table *t = table_new(columns, n);
    json_t *object;
    size_t i;

    json_array_foreach(objects, i, object) {
        table_add_row(t);
        for (size_t k = 0; k < n; k++)
            table_set(t, k, member_text(object, keys[k]), COLOUR_NONE);
    }
    if (json_array_size(objects) > 0)
        putchar('\n');
    table_print(t);
}

static void set_state(struct table *t, size_t column, json_t *row) {
    const char *state = member_text(row, "state");

    table_set(t, column, state, strcmp(state, "open") == 0 ? COLOUR_NONE : COLOUR_WARN);
}

/* What a row can't say, and where it stands at the vendor's; of a site also whether it is open. */
static void print_about_rows(json_t *rows, bool is_site) {
    static const struct column columns[] = { { "FLOW", false, false },
                                             { "REFERENCE", true, false },
                                             { "NOTE", true, false },
                                             { "STATE", true, false } };
    struct table *t = table_new(columns, ARRAY_SIZE(columns) - !is_site);
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        table_add_row(t);
        table_set(t, 0, member_text(row, "flow"), COLOUR_NONE);
        table_set(t, 1, member_text(row, "ref"), COLOUR_NONE);
        table_set(t, 2, member_text(row, "note"), COLOUR_NONE);
        if (is_site)
            set_state(t, 3, row);
    }
    if (json_array_size(rows) > 0)
        putchar('\n');
    table_print(t);
}

static void print_peers(json_t *peers) {
    static const struct column columns[] = { { "PEERS", false, false },
                                             { "WHO", true, false },
                                             { "ADDRESSES", true, false } };
    static const char *const keys[] = { "peer", "title", "who" };

    print_objects(peers, columns, keys, ARRAY_SIZE(keys));
}

static void print_features(json_t *features) {
    static const struct column columns[] = { { "FEATURES", false, false },
                                             { "WHAT", true, false },
                                             { "STATE", true, false } };
    static const char *const keys[] = { "feature", "title", "state" };

    print_objects(features, columns, keys, ARRAY_SIZE(keys));
}

static void print_ports(json_t *ports) {
    static const struct column columns[] = { { "PORTS", false, false },
                                             { "WHAT", true, false },
                                             { "NUMBER", false, true },
                                             { "CHOICE", true, false } };
    static const char *const keys[] = { "port", "title", "number", "choice" };

    print_objects(ports, columns, keys, ARRAY_SIZE(keys));
}

static void print_notes(json_t *notes) {
    json_t *note;
    size_t i;

    if (json_array_size(notes) > 0)
        puts("\nNOTES");
    json_array_foreach(notes, i, note) print_paragraph("- ", json_string_value(note));
}

/* The notes of a policy are about the vendor's page: with a site they are left to that. */
static void print_table(json_t *table, bool is_site, bool has_rows) {
    const char *source = member_text(table, "source");

    printf("%s: %s\n", member_text(table, "product"), member_text(table, "title"));
    if (*source)
        print_paragraph("source: ", source);
    if (has_rows) {
        putchar('\n');
        print_rows(json_object_get(table, "rows"));
    }
    print_about_rows(json_object_get(table, "rows"), is_site);
    print_peers(json_object_get(table, "peers"));
    print_features(json_object_get(table, "features"));
    print_ports(json_object_get(table, "ports"));
    if (!is_site)
        print_notes(json_object_get(table, "notes"));
}

/* --- of a site --- */

static void set_flow(struct table *t, size_t column, json_t *row) {
    _cleanup_(freep) char *text = NULL;

    if (asprintf(&text, "%s/%s", member_text(row, "product"), member_text(row, "flow")) < 0)
        exit(failure_memory());
    table_set(t, column, text, COLOUR_NONE);
}

static void print_target(json_t *target) {
    static const struct column columns[] = { { "FROM", true, false },
                                             { "SERVICES", true, false },
                                             { "FLOW", false, false },
                                             { "TITLE", true, false } };
    struct table *t = table_new(columns, ARRAY_SIZE(columns));
    _cleanup_(freep) char *roles = member_list(target, "roles", ", ");
    _cleanup_(freep) char *heading = NULL;
    json_t *row;
    size_t i;

    if (asprintf(&heading, "%s%s%s%s", member_text(target, "to"), roles && *roles ? " (" : "",
                 roles ? roles : "", roles && *roles ? ")" : "") < 0)
        exit(failure_memory());
    putchar('\n');
    print_paragraph("To ", heading);
    json_array_foreach(json_object_get(target, "rows"), i, row) {
        table_add_row(t);
        table_set(t, 0, member_text(row, "who"), COLOUR_NONE);
        set_services(t, 1, row);
        set_flow(t, 2, row);
        table_set(t, 3, member_text(row, "title"), COLOUR_NONE);
    }
    table_print(t);
}

static void print_alikes(json_t *matrix) {
    json_t *alikes = matrix_alikes(matrix), *alike;
    size_t i;

    if (json_array_size(alikes) > 0)
        puts("\nHOSTS");
    json_array_foreach(alikes, i, alike) {
        _cleanup_(freep) char *label = NULL;
        _cleanup_(freep) char *hosts = member_list(alike, "hosts", ", ");

        if (!hosts || asprintf(&label, "%s: ", member_text(alike, "label")) < 0)
            exit(failure_memory());
        print_paragraph(label, hosts);
    }
    json_decref(alikes);
}

static void print_site(json_t *matrix) {
    _cleanup_(freep) char *title = matrix_title(matrix);
    _cleanup_(freep) char *warning = matrix_warning(matrix);
    json_t *targets = matrix_targets(matrix), *target, *table;
    size_t i;

    puts(title);
    if (warning)
        print_paragraph("! ", warning);
    json_array_foreach(targets, i, target) print_target(target);
    print_alikes(matrix);
    json_array_foreach(json_object_get(matrix, "tables"), i, table) {
        puts("\n");
        print_table(table, true, !matrix_is_told_of_pairs(matrix, table));
    }
    json_decref(targets);
}

void print_matrix_text(json_t *matrix) {
    json_t *table;
    size_t i;

    if (matrix_is_site(matrix)) {
        print_site(matrix);
        return;
    }
    json_array_foreach(json_object_get(matrix, "tables"), i, table) {
        if (i > 0)
            puts("\n");
        print_table(table, false, true);
    }
}
