/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A generic font may be any: the widths are those of the widest that systems have for it (DejaVu,
 * Verdana), in classes of letters. A monospaced letter is 0.6 em wide in nearly all of them. */
#include "typeset.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#define EM_MONO 0.61

/* Of one letter, in em. Letters beyond Latin, Greek and Cyrillic may be as wide as high. */
static double letter_width(char c, enum face face) {
    double em;

    if ((uint8_t)c >= 0xe0)
        return 1.0;
    if (face == FACE_MONO)
        return EM_MONO;
    if (strchr("ijl.,:;'|!()[] ", c))
        em = 0.40;
    else if (strchr("mwMW@%", c))
        em = 0.99;
    else if ((c >= 'A' && c <= 'Z') || (uint8_t)c >= 0xc0)
        em = 0.73;
    else
        em = 0.63;
    return face == FACE_BOLD ? em * 1.1 : em;
}

double type_width(const struct type *t, const char *text) {
    double em = 0;

    for (const char *c = text; *c; c++)
        if ((*c & 0xc0) != 0x80) /* not the rest of a letter in UTF-8 */
            em += letter_width(*c, t->face);
    return em * t->size;
}

static int line_add(struct arena *a, struct text_lines *lines, const char *text, size_t n) {
    const char **line = ARENA_APPEND(a, lines->items, lines->n);

    if (!line)
        return -ENOMEM;
    *line = arena_strndup(a, text, n);
    return *line ? 0 : -ENOMEM;
}

int type_wrap(struct arena *a, const struct type *t, const char *text, double width,
              struct text_lines *lines) {
    while (*text) {
        size_t taken = 0, next = strcspn(text, " ");

        while (text[taken]) {
            _cleanup_(freep) char *line = strndup(text, next);

            if (!line)
                return -ENOMEM;
            if (taken > 0 && type_width(t, line) > width)
                break;
            taken = next;
            next += text[next] ? 1 + strcspn(text + next + 1, " ") : 0;
        }
        if (line_add(a, lines, text, taken) < 0)
            return -ENOMEM;
        text += taken;
        text += strspn(text, " ");
    }
    return 0;
}
