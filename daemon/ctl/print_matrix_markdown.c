/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables as GitHub Flavored Markdown has them (its specification, 4.10): a row a line. Whatever
 * has a meaning in Markdown or HTML is escaped by a backslash, which both take out again; names
 * and services stand in code spans, in which a backslash means itself but before '|'. */
#include "matrix.h"
#include "print.h"

#include "base/macros.h"
#include "failure.h"

#include <string.h>

static void put_text(const char *text) {
    for (const char *c = text; *c; c++) {
        if (strchr("\\`*_{}[]<>#|~&$", *c))
            fputc('\\', stdout);
        fputc(*c, stdout);
    }
}

static void put_code(const char *text) {
    fputc('`', stdout);
    for (const char *c = text; *c; c++)
        fputs(*c == '|' ? "\\|" : (char[]){ *c, '\0' }, stdout);
    fputc('`', stdout);
}

static void put_codes(json_t *list) {
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        fputs(i ? ", " : "", stdout);
        put_code(json_string_value(one));
    }
}

static void put_services(json_t *row) {
    json_t *service;
    size_t i;

    json_array_foreach(json_object_get(row, "services"), i, service) {
        const char *text = json_string_value(service);

        fputs(i ? ", " : "", stdout);
        put_code(text);
        fputs(service_words(text), stdout);
    }
    if (json_is_true(json_object_get(row, "broadcast")))
        fputs(" broadcast", stdout);
}

static void put_heading(const char *const *names, size_t n) {
    for (size_t i = 0; i < n; i++)
        printf("| %s ", names[i]);
    puts("|");
    for (size_t i = 0; i < n; i++)
        fputs("| --- ", stdout);
    puts("|");
}

/* --- of a table --- */

static void print_rows(json_t *rows) {
    static const char *const names[] = { "Flow", "From", "To", "Services", "When", "What" };
    json_t *row;
    size_t i;

    put_heading(names, ARRAY_SIZE(names));
    json_array_foreach(rows, i, row) {
        fputs("| ", stdout);
        put_code(member_text(row, "flow"));
        fputs(" | ", stdout);
        put_codes(json_object_get(row, "from"));
        fputs(" | ", stdout);
        put_codes(json_object_get(row, "to"));
        fputs(" | ", stdout);
        put_services(row);
        fputs(" | ", stdout);
        put_codes(json_object_get(row, "when"));
        fputs(" | ", stdout);
        put_text(member_text(row, "title"));
        puts(" |");
    }
}

/* Below the tables: where each row stands at the vendor's, and what it can't say. */
static void print_about_rows(json_t *rows) {
    json_t *row;
    size_t i;

    json_array_foreach(rows, i, row) {
        const char *ref = member_text(row, "ref"), *note = member_text(row, "note");
        const char *state = member_text(row, "state");

        fputs("- ", stdout);
        put_code(member_text(row, "flow"));
        if (*state && strcmp(state, "open") != 0) {
            fputs(" **", stdout);
            put_text(state);
            fputs("**", stdout);
        }
        if (*ref) {
            fputs(" *", stdout);
            put_text(ref);
            fputc('*', stdout);
        }
        if (*note) {
            fputs(": ", stdout);
            put_text(note);
        }
        putchar('\n');
    }
}

struct part {
    const char *heading, *key;
    const char *names[4], *keys[4];
    size_t n;
};

static const struct part parts[] = {
    { "Peers", "peers", { "Peer", "Who", "Addresses" }, { "peer", "title", "who" }, 3 },
    { "Features", "features", { "Feature", "What", "State" }, { "feature", "title", "state" }, 3 },
    { "Ports",
      "ports",
      { "Port", "What", "Number", "Choice" },
      { "port", "title", "number", "choice" },
      4 },
};

/* How a table stands in its page. */
struct setting {
    bool is_alone; /* the page's title is its title */
    bool is_site, has_rows;
};

static void put_part_heading(const struct setting *p, const char *heading) {
    printf("\n%s %s\n\n", p->is_alone ? "##" : "###", heading);
}

static void print_part(json_t *table, const struct part *p, const struct setting *setting) {
    json_t *objects = json_object_get(table, p->key), *object;
    size_t i;

    if (json_array_size(objects) == 0)
        return;
    put_part_heading(setting, p->heading);
    put_heading(p->names, p->n);
    json_array_foreach(objects, i, object) {
        fputs("| ", stdout);
        put_code(member_text(object, p->keys[0]));
        for (size_t k = 1; k < p->n; k++) {
            fputs(" | ", stdout);
            put_text(member_text(object, p->keys[k]));
        }
        puts(" |");
    }
}

static void print_notes(json_t *notes, const struct setting *setting) {
    json_t *note;
    size_t i;

    if (json_array_size(notes) > 0)
        put_part_heading(setting, "Notes");
    json_array_foreach(notes, i, note) {
        fputs("- ", stdout);
        put_text(json_string_value(note));
        putchar('\n');
    }
}

static void print_table_head(json_t *table, const struct setting *setting) {
    const char *source = member_text(table, "source");

    if (!setting->is_alone) {
        fputs("\n## ", stdout);
        put_text(member_text(table, "title"));
        putchar('\n');
    }
    putchar('\n');
    put_code(member_text(table, "product"));
    fputs(*source ? ". Source: " : "", stdout);
    put_text(source);
    puts("\n");
}

static void print_table(json_t *table, const struct setting *setting) {
    print_table_head(table, setting);
    if (setting->has_rows)
        print_rows(json_object_get(table, "rows"));
    put_part_heading(setting, "References and notes");
    print_about_rows(json_object_get(table, "rows"));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        print_part(table, &parts[i], setting);
    if (!setting->is_site)
        print_notes(json_object_get(table, "notes"), setting);
}

/* --- of a site --- */

static void print_target(json_t *target) {
    static const char *const names[] = { "From", "Services", "Flow", "What" };
    json_t *row;
    size_t i;

    fputs("\n## To ", stdout);
    put_text(member_text(target, "to"));
    puts("\n");
    if (json_array_size(json_object_get(target, "roles")) > 0) {
        put_codes(json_object_get(target, "roles"));
        puts("\n");
    }
    put_heading(names, ARRAY_SIZE(names));
    json_array_foreach(json_object_get(target, "rows"), i, row) {
        _cleanup_(freep) char *flow = NULL;

        if (asprintf(&flow, "%s/%s", member_text(row, "product"), member_text(row, "flow")) < 0)
            exit(failure_memory());
        fputs("| ", stdout);
        put_text(member_text(row, "who"));
        fputs(" | ", stdout);
        put_services(row);
        fputs(" | ", stdout);
        put_code(flow);
        fputs(" | ", stdout);
        put_text(member_text(row, "title"));
        puts(" |");
    }
}

static void print_alikes(json_t *matrix) {
    json_t *alikes = matrix_alikes(matrix), *alike;
    size_t i;

    if (json_array_size(alikes) > 0)
        puts("\n## Hosts\n");
    json_array_foreach(alikes, i, alike) {
        fputs("- ", stdout);
        put_text(member_text(alike, "label"));
        fputs(": ", stdout);
        put_codes(json_object_get(alike, "hosts"));
        putchar('\n');
    }
    json_decref(alikes);
}

static void print_site(json_t *matrix) {
    _cleanup_(freep) char *warning = matrix_warning(matrix);
    json_t *targets = matrix_targets(matrix), *target;
    size_t i;

    if (warning) {
        fputs("\n**", stdout);
        put_text(warning);
        puts("**");
    }
    json_array_foreach(targets, i, target) print_target(target);
    print_alikes(matrix);
    json_decref(targets);
}

void print_matrix_markdown(json_t *matrix) {
    _cleanup_(freep) char *title = matrix_title(matrix);
    json_t *tables = json_object_get(matrix, "tables"), *table;
    bool is_site = matrix_is_site(matrix);
    size_t i;

    fputs("# ", stdout);
    put_text(title);
    putchar('\n');
    if (is_site)
        print_site(matrix);
    json_array_foreach(tables, i, table) {
        const struct setting setting = {
            .is_alone = !is_site && json_array_size(tables) == 1,
            .is_site = is_site,
            .has_rows = !is_site || !matrix_is_told_of_pairs(matrix, table),
        };

        print_table(table, &setting);
    }
}
