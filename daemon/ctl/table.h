/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_TABLE_H
#define PORTD_CTL_TABLE_H

#include "screen.h"

#include <stdbool.h>

/* A table on stdout that fits the terminal. Without memory these end the program. */
struct table;

#define TABLE_COLUMNS_MAX 8U
struct column {
    const char *name;
    bool may_wrap; /* at blanks, when the terminal is too narrow */
    bool is_number;
};

/* `columns` is borrowed. */
struct table *table_new(const struct column *columns, size_t n);
/* Further cells go into a new row; cells that are not set are empty. */
void table_add_row(struct table *t);
void table_set(struct table *t, size_t column, const char *text, enum colour colour);
/* Prints and frees. */
void table_print(struct table *t);

#endif
