/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_TYPESET_H
#define PORTD_CTL_TYPESET_H

#include "base/arena.h"

/* How wide texts are in a picture whose fonts are the viewer's: generous guesses, the same
 * everywhere, whatever the locale. */

enum face { FACE_SANS, FACE_BOLD, FACE_MONO };

struct type {
    enum face face;
    double size; /* pixels */
};

/* Pixels. */
double type_width(const struct type *t, const char *text);

struct text_lines {
    const char **items;
    size_t n;
};

/* `text` in lines of at most `width` pixels, broken at blanks; a longer word has a line of its
 * own. They are added to `lines`. 0 or -ENOMEM. */
int type_wrap(struct arena *a, const struct type *t, const char *text, double width,
              struct text_lines *lines);

#endif
