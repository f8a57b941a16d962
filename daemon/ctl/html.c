/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "html.h"

#include "failure.h"
#include "matrix.h"
#include "print.h"
#include "xml.h"

#include <stdlib.h>
#include <string.h>

void html_element(const char *name, const char *class, const char *text) {
    printf("<%s", name);
    if (class)
        printf(" class=\"%s\"", class);
    putchar('>');
    xml_text(stdout, text);
    printf("</%s>", name);
}

void html_names(json_t *list) {
    json_t *one;
    size_t i;

    json_array_foreach(list, i, one) {
        fputs(i ? ", " : "", stdout);
        html_element("span", "end", json_string_value(one));
    }
}

void html_cell_names(json_t *list) {
    fputs("<td>", stdout);
    html_names(list);
    fputs("</td>", stdout);
}

void html_row_id(json_t *row) {
    fputs("flow_", stdout);
    xml_text(stdout, member_text(row, "product"));
    putchar('_');
    xml_text(stdout, member_text(row, "flow"));
}

static const char *broadcast_word(json_t *row) {
    return json_is_true(json_object_get(row, "broadcast")) ? " broadcast" : "";
}

void html_services(json_t *row) {
    json_t *service;
    size_t i;

    json_array_foreach(json_object_get(row, "services"), i, service) {
        const char *text = json_string_value(service);

        fputs(i ? " " : "", stdout);
        html_element("code", NULL, text);
        fputs(service_words(text), stdout);
    }
    fputs(broadcast_word(row), stdout);
}

static void print_link(json_t *row, const char *service) {
    fputs("<a href=\"#", stdout);
    html_row_id(row);
    fputs("\" title=\"", stdout);
    xml_text(stdout, member_text(row, "flow"));
    fputs(": ", stdout);
    xml_text(stdout, member_text(row, "title"));
    fputs("\">", stdout);
    html_element("code", NULL, service);
    fputs("</a>", stdout);
}

void html_service_links(json_t *rows) {
    json_t *told = json_object(), *row, *service;
    size_t i, j;

    json_array_foreach(rows, i, row) {
        json_array_foreach(json_object_get(row, "services"), j, service) {
            const char *text = json_string_value(service);

            if (json_object_get(told, text))
                continue;
            print_link(row, text);
            if (json_object_set_new(told, text, json_true()) < 0)
                exit(failure_memory());
        }
        fputs(broadcast_word(row), stdout);
    }
    json_decref(told);
}
