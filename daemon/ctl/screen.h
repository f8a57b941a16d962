/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_SCREEN_H
#define PORTD_CTL_SCREEN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What the terminal can show. */

/* Escapes what could steer the terminal in every string of a value, in place: names of processes
 * and texts of files are others' words. */
void screen_make_safe(json_t *value);

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD, COLOUR_DIM, COLOUR_MAX };
/* stdout is a terminal that is not dumb, and NO_COLOR (https://no-color.org) is unset or empty. */
bool screen_has_colour(void);
/* The escape sequence that begins a colour, COLOUR_NONE ends it; "" without colour. */
const char *screen_colour(enum colour c);
/* As libsmartcols names it; NULL without colour. */
const char *screen_colour_name(enum colour c);

/* Characters in a line: what $COLUMNS says, else the terminal, else 100. */
size_t screen_width(void);
/* Columns that a text takes. */
size_t text_width(const char *text);

/* Marks that every locale can show. */
struct marks {
    const char *bullet, *separator, *ellipsis, *arrow;
};
const struct marks *screen_marks(void);

#endif
