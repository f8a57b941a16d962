/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_HTML_H
#define PORTD_CTL_HTML_H

#include <jansson.h>

/* Parts of a page on stdout, well-formed as XML too. */

/* An element with a text in it: "<b>…</b>"; `class` may be NULL. */
void html_element(const char *name, const char *class, const char *text);
/* Names with commas between. */
void html_names(json_t *list);
/* A cell of them. */
void html_cell_names(json_t *list);

/* The address of a row on its page: "flow_jtel-acd_rest", which no other row has, for names have
 * no '_'. */
void html_row_id(json_t *row);
/* A row's services, each a <code>. */
void html_services(json_t *row);
/* The services of rows, each once and a link to its row, whose name and title it has to point at.
 */
void html_service_links(json_t *rows);

#endif
