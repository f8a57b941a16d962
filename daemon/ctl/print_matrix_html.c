/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One page that needs nothing else: its style and pictures are in it, and no script. On paper a
 * table's head stands on each sheet and no row is cut. It is XML as well, so that any tool can
 * read it. */
#include "html.h"
#include "html_site.h"
#include "html_style.h"
#include "matrix.h"
#include "print.h"
#include "xml.h"

#include "base/macros.h"

#include <string.h>

/* --- of a table --- */

static void print_row_about(json_t *row) {
    const char *note = member_text(row, "note"), *ref = member_text(row, "ref");
    const char *state = member_text(row, "state");

    fputs("<td class=\"what\">", stdout);
    html_element("p", "title", member_text(row, "title"));
    if (*state && strcmp(state, "open") != 0)
        html_element("p", "closed", state);
    if (*note)
        html_element("p", "note", note);
    if (*ref)
        html_element("p", "ref", ref);
    fputs("</td>", stdout);
}

static void print_rows(json_t *rows) {
    json_t *row;
    size_t i;

    fputs("<div class=\"scroll\"><table class=\"flows\"><thead><tr><th>Flow</th><th>From</th>"
          "<th>To</th><th>Services</th><th>When</th><th>What</th></tr></thead>\n<tbody>\n",
          stdout);
    json_array_foreach(rows, i, row) {
        fputs("<tr id=\"", stdout);
        html_row_id(row);
        fputs("\"><th scope=\"row\">", stdout);
        xml_text(stdout, member_text(row, "flow"));
        fputs("</th>", stdout);
        html_cell_names(json_object_get(row, "from"));
        html_cell_names(json_object_get(row, "to"));
        fputs("<td class=\"services\">", stdout);
        html_services(row);
        fputs("</td>", stdout);
        html_cell_names(json_object_get(row, "when"));
        print_row_about(row);
        puts("</tr>");
    }
    fputs("</tbody></table></div>\n", stdout);
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

static void print_part(json_t *table, const struct part *p) {
    json_t *objects = json_object_get(table, p->key), *object;
    size_t i;

    if (json_array_size(objects) == 0)
        return;
    fputs("<section class=\"part\">", stdout);
    html_element("h3", NULL, p->heading);
    fputs("<table><thead><tr>", stdout);
    for (size_t k = 0; k < p->n; k++)
        html_element("th", NULL, p->names[k]);
    fputs("</tr></thead>\n<tbody>\n", stdout);
    json_array_foreach(objects, i, object) {
        fputs("<tr><th scope=\"row\">", stdout);
        xml_text(stdout, member_text(object, p->keys[0]));
        fputs("</th>", stdout);
        for (size_t k = 1; k < p->n; k++)
            html_element("td", NULL, member_text(object, p->keys[k]));
        puts("</tr>");
    }
    fputs("</tbody></table></section>\n", stdout);
}

static void print_notes(json_t *notes) {
    json_t *note;
    size_t i;

    if (json_array_size(notes) == 0)
        return;
    fputs("<section class=\"notes\"><h3>Notes</h3>\n<ul>\n", stdout);
    json_array_foreach(notes, i, note) {
        html_element("li", NULL, json_string_value(note));
        putchar('\n');
    }
    fputs("</ul></section>\n", stdout);
}

static bool has_edges(json_t *table) {
    return json_array_size(json_object_get(json_object_get(table, "picture"), "edges")) > 0;
}

/* On paper a wide picture has a sheet on its side, with the heading of its table. */
static void print_table_head(json_t *table, bool is_alone) {
    const char *source = member_text(table, "source");
    bool has_picture = has_edges(table);

    fputs(has_picture && svg_is_wide(table) ? "<div class=\"wide\">\n" : "<div>\n", stdout);
    if (!is_alone)
        html_element("h2", NULL, member_text(table, "title"));
    fputs("<p class=\"source\">", stdout);
    html_element("code", NULL, member_text(table, "product"));
    if (*source)
        fputs(" · Source: ", stdout);
    xml_text(stdout, source);
    fputs("</p>\n", stdout);
    if (has_picture) {
        fputs("<figure>\n", stdout);
        svg_picture(stdout, table);
        fputs("</figure>\n", stdout);
    }
    fputs("</div>\n", stdout);
}

static void print_table(json_t *table, bool is_alone) {
    printf("<section class=\"product\" id=\"product_");
    xml_text(stdout, member_text(table, "product"));
    fputs("\">\n", stdout);
    print_table_head(table, is_alone);
    print_rows(json_object_get(table, "rows"));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        print_part(table, &parts[i]);
    print_notes(json_object_get(table, "notes"));
    fputs("</section>\n", stdout);
}

/* --- the page --- */

static void print_contents(json_t *matrix) {
    json_t *tables = json_object_get(matrix, "tables"), *table;
    size_t i;

    if (json_array_size(tables) < 2)
        return;
    fputs("<nav><ul>", stdout);
    json_array_foreach(tables, i, table) {
        fputs("<li><a href=\"#product_", stdout);
        xml_text(stdout, member_text(table, "product"));
        fputs("\">", stdout);
        xml_text(stdout, member_text(table, "title"));
        fputs("</a></li>", stdout);
    }
    fputs("</ul></nav>\n", stdout);
}

static void print_head(const char *title) {
    fputs("<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n"
          "<meta charset=\"utf-8\"/>\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n",
          stdout);
    html_element("title", NULL, title);
    fputs("\n<style>\n", stdout);
    fputs(html_style, stdout);
    svg_style(stdout);
    fputs("</style>\n</head>\n<body>\n", stdout);
}

void print_matrix_html(json_t *matrix) {
    _cleanup_(freep) char *title = matrix_title(matrix);
    _cleanup_(freep) char *warning = matrix_warning(matrix);
    json_t *tables = json_object_get(matrix, "tables"), *table;
    bool is_alone = !matrix_is_site(matrix) && json_array_size(tables) == 1;
    size_t i;

    print_head(title);
    fputs("<header>\n", stdout);
    html_element("h1", NULL, title);
    if (warning)
        html_element("p", "warning", warning);
    print_contents(matrix);
    fputs("</header>\n<main>\n", stdout);
    if (matrix_is_site(matrix))
        html_site(matrix);
    json_array_foreach(tables, i, table) print_table(table, is_alone);
    fputs("</main>\n</body>\n</html>\n", stdout);
}
