/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_LAYOUT_H
#define PORTD_ENGINE_LAYOUT_H

#include <jansson.h>

/* JSON for whoever goes on with it in an editor, as the files that are shipped are laid out: two
 * spaces a level, on one line what is short, and of objects with lists in one parent all or none.
 * malloc'ed, with a newline at its end; NULL when memory is out. */
char *layout_text(const json_t *value);

#endif
