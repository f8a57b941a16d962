/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_MATRIX_H
#define PORTD_CTL_MATRIX_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* The formats of `matrix`, one file each. What they print is { tables } of tables_json(), or what
 * site_tables_json() gives; for CSV { rows } of either is enough. All strings went through
 * screen_make_safe(). Without memory they end the program. */
void print_matrix_text(json_t *matrix);
void print_matrix_csv(json_t *matrix);
void print_matrix_markdown(json_t *matrix);
void print_matrix_html(json_t *matrix);
void print_matrix_svg(json_t *matrix);

/* The name of the format number `i`; NULL behind the last. */
const char *matrix_format_at(size_t i);

/* --- what they share --- */

/* Whether it is a site's; else it is the vendors'. */
bool matrix_is_site(json_t *matrix);
/* "berlin: who may reach whom", "jtel ACD", "Port tables"; malloc'ed. */
char *matrix_title(json_t *matrix);
/* What a reader has to know of the site's modes; NULL: it enforces. malloc'ed. */
char *matrix_warning(json_t *matrix);

/* What a reader has to be told of a service besides its text: of a port that only the site can
 * name that it does; "" of others. */
const char *service_words(const char *service);
/* All services of a row with these words, and whether it is a broadcast too. malloc'ed. */
char *services_text(json_t *row, const char *separator);

/* Of a site: who is asked, with those who may ask: [ { end, to, roles, rows[] } ]. First every host
 * (its `end` is ""), then hosts that are alike, then those outside. The rows are the matrix's,
 * those joined that differ by `from` alone, and have { who }: their `from` as text, as in "any,
 * every host but acd-chat2" or "h1 and 299 alike". Hosts that are alike are in `from` by their
 * first. */
json_t *matrix_targets(json_t *matrix);
/* Of a site: whether a row, or a table, is told host by host. What every host needs is told once
 * for all of them, by its table, unless it is the only one. */
bool matrix_is_told_of_pairs(json_t *matrix, json_t *row);
/* Hosts that are alike are named one by one up to this number. */
#define GROUP_NAMED_MAX 4U
/* Hosts that are alike as text: "acd-lb1, acd-lb2", or "h1 and 299 alike"; malloc'ed. */
char *group_label(json_t *group);
/* All roles of the hosts of a group, by its first host: borrowed; NULL: it is no group. */
json_t *group_roles(json_t *matrix, const char *head);
/* [ { label, hosts[] } ]: who is meant by "and 299 alike". */
json_t *matrix_alikes(json_t *matrix);

/* One table's picture, to stand in a page that has svg_style() in a style element. */
void svg_picture(FILE *f, json_t *table);
/* Whether it is so wide that a sheet of paper should lie on its side. */
bool svg_is_wide(json_t *table);
void svg_style(FILE *f);

#endif
