/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In the grid a row and a column are hosts that are alike, so that it has no two that are equal.
 * Beyond some width nobody reads it, and the lists take its place. */
#include "html_site.h"

#include "html.h"
#include "matrix.h"
#include "print.h"
#include "xml.h"

#include "base/macros.h"
#include "failure.h"

#include <string.h>

#define GRID_ROWS_MAX    24U
#define GRID_COLUMNS_MAX 20U /* a sheet on its side has no more */

static void *need(void *memory) {
    if (!memory)
        exit(failure_memory());
    return memory;
}

/* --- the grid --- */

struct grid {
    json_t *matrix, *targets;
    json_t *from, *to; /* [ end ]: group heads and those outside */
    json_t *cells;     /* { from: { to: [ row ] } } */
};

static void list_add(json_t *list, const char *end) {
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) if (strcmp(json_string_value(one), end) == 0) return;
    if (json_array_append_new(list, json_string(end)) < 0)
        need(NULL);
}

static json_t *member_of(json_t *object, const char *key, json_t *fresh) {
    json_t *member = json_object_get(object, key);

    if (member)
        json_decref(fresh);
    else if (json_object_set_new(object, key, fresh) < 0)
        need(NULL);
    return member ? member : fresh;
}

static void cell_add(struct grid *g, const char *from, const char *to, json_t *row) {
    json_t *line = member_of(g->cells, from, json_object());

    if (json_array_append(member_of(line, to, json_array()), row) < 0)
        need(NULL);
    list_add(g->from, from);
    list_add(g->to, to);
}

static void grid_add_row(struct grid *g, const char *to, json_t *row) {
    json_t *group, *from;
    size_t i, j;

    json_array_foreach(json_object_get(row, "from"), i, from) {
        if (*to) {
            cell_add(g, json_string_value(from), to, row);
            continue;
        }
        json_array_foreach(json_object_get(g->matrix, "groups"), j, group)
            cell_add(g, json_string_value(from), json_string_value(json_array_get(group, 0)), row);
    }
}

/* Hosts in the order of the site, on both sides, whether they are in a row or not. */
static void grid_fill(struct grid *g) {
    json_t *target, *row, *group;
    size_t i, j;

    json_array_foreach(json_object_get(g->matrix, "groups"), i, group) {
        const char *head = json_string_value(json_array_get(group, 0));

        list_add(g->from, head);
        list_add(g->to, head);
    }
    json_array_foreach(g->targets, i, target)
        json_array_foreach(json_object_get(target, "rows"), j, row)
            grid_add_row(g, member_text(target, "end"), row);
}

static json_t *group_find(json_t *matrix, const char *head) {
    json_t *group;
    size_t i;

    json_array_foreach(json_object_get(matrix, "groups"), i,
                       group) if (strcmp(json_string_value(json_array_get(group, 0)), head) ==
                                  0) return group;
    return NULL;
}

/* Hosts below each other, and their roles. */
static void print_grid_hosts(json_t *matrix, json_t *group) {
    json_t *roles = group_roles(matrix, json_string_value(json_array_get(group, 0))), *one;
    size_t i;

    if (json_array_size(group) <= GROUP_NAMED_MAX)
        json_array_foreach(group, i, one) html_element("span", "host", json_string_value(one));
    else {
        _cleanup_(freep) char *label = group_label(group);

        html_element("span", "host", label);
    }
    json_array_foreach(roles, i, one) html_element("span", "who", json_string_value(one));
}

/* The name of a peer, and below it who it is. */
static void print_grid_outside(const char *end) {
    const char *who = strchr(end, '(');
    _cleanup_(freep) char *name = need(strndup(end, who ? (size_t)(who - end) : strlen(end)));
    _cleanup_(freep) char *inside = need(strdup(who ? who + 1 : ""));

    html_element("span", "host", name);
    if (!who)
        return;
    inside[strlen(inside) - 1] = '\0';
    html_element("span", "who", inside);
}

static void print_grid_end(json_t *matrix, const char *end, const char *scope) {
    json_t *group = group_find(matrix, end);

    printf("<th scope=\"%s\">", scope);
    if (group)
        print_grid_hosts(matrix, group);
    else
        print_grid_outside(end);
    fputs("</th>", stdout);
}

/* One host alone that asks itself: the rules have no say in that. */
static bool is_itself(json_t *matrix, const char *from, const char *to) {
    return strcmp(from, to) == 0 && json_array_size(group_find(matrix, from)) == 1;
}

static void print_cell(const struct grid *g, const char *from, const char *to) {
    json_t *rows = json_object_get(json_object_get(g->cells, from), to);

    if (is_itself(g->matrix, from, to))
        fputs("<td class=\"none\">itself</td>", stdout);
    else if (!rows)
        fputs("<td class=\"none\"></td>", stdout);
    else {
        fputs("<td>", stdout);
        html_service_links(rows);
        fputs("</td>", stdout);
    }
}

static void print_grid(const struct grid *g) {
    json_t *from, *to;
    size_t i, j;

    fputs("<section class=\"wide\" id=\"grid\">\n<h2>From row to column</h2>\n<div "
          "class=\"scroll\"><table class=\"grid\"><thead><tr><td class=\"corner\">from \\ to</td>",
          stdout);
    json_array_foreach(g->to, j, to) print_grid_end(g->matrix, json_string_value(to), "col");
    fputs("</tr></thead>\n<tbody>\n", stdout);
    json_array_foreach(g->from, i, from) {
        const char *name = json_string_value(from);

        fputs("<tr>", stdout);
        print_grid_end(g->matrix, name, "row");
        json_array_foreach(g->to, j, to) print_cell(g, name, json_string_value(to));
        puts("</tr>");
    }
    fputs("</tbody></table></div>\n</section>\n", stdout);
}

static void print_grid_or_not(json_t *matrix, json_t *targets) {
    struct grid g = { matrix, targets, need(json_array()), need(json_array()),
                      need(json_object()) };

    if (json_array_size(json_object_get(matrix, "groups")) <= GRID_COLUMNS_MAX) {
        grid_fill(&g);
        if (json_array_size(g.from) <= GRID_ROWS_MAX && json_array_size(g.to) <= GRID_COLUMNS_MAX)
            print_grid(&g);
    }
    json_decref(g.from);
    json_decref(g.to);
    json_decref(g.cells);
}

/* --- the lists --- */

static void print_target(json_t *target) {
    json_t *row, *roles = json_object_get(target, "roles");
    size_t i;

    fputs("<section class=\"target\">\n<h3>To ", stdout);
    xml_text(stdout, member_text(target, "to"));
    fputs("</h3>\n", stdout);
    if (json_array_size(roles) > 0) {
        fputs("<p class=\"roles\">", stdout);
        html_names(roles);
        fputs("</p>\n", stdout);
    }
    fputs("<div class=\"scroll\"><table><thead><tr><th>From</th><th>Services</th><th>Flow</th>"
          "<th>What</th></tr></thead>\n<tbody>\n",
          stdout);
    json_array_foreach(json_object_get(target, "rows"), i, row) {
        fputs("<tr>", stdout);
        html_element("td", "from", member_text(row, "who"));
        fputs("<td class=\"services\">", stdout);
        html_services(row);
        fputs("</td><td><a href=\"#", stdout);
        html_row_id(row);
        fputs("\">", stdout);
        xml_text(stdout, member_text(row, "product"));
        putchar('/');
        xml_text(stdout, member_text(row, "flow"));
        fputs("</a></td>", stdout);
        html_element("td", "what", member_text(row, "title"));
        puts("</tr>");
    }
    fputs("</tbody></table></div>\n</section>\n", stdout);
}

static void print_alikes(json_t *matrix) {
    json_t *alikes = matrix_alikes(matrix), *alike;
    size_t i;

    if (json_array_size(alikes) > 0)
        fputs("<section class=\"notes\"><h3>Hosts that are alike</h3>\n<ul>\n", stdout);
    json_array_foreach(alikes, i, alike) {
        fputs("<li>", stdout);
        html_element("b", NULL, member_text(alike, "label"));
        fputs(": ", stdout);
        html_names(json_object_get(alike, "hosts"));
        puts("</li>");
    }
    if (json_array_size(alikes) > 0)
        fputs("</ul></section>\n", stdout);
    json_decref(alikes);
}

void html_site(json_t *matrix) {
    json_t *targets = matrix_targets(matrix), *target;
    size_t i;

    print_grid_or_not(matrix, targets);
    fputs("<section id=\"lists\">\n<h2>Who is reached by whom</h2>\n", stdout);
    json_array_foreach(targets, i, target) print_target(target);
    fputs("</section>\n", stdout);
    print_alikes(matrix);
    json_decref(targets);
}
