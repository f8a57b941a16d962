/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_CANDIDATES_H
#define PORTD_CTL_CANDIDATES_H

#include "verb.h"

#include <jansson.h>

/* What can be typed in a place of the command line, by the word that stands for it in the usage
 * lines: "FILE", "NAME", "PRODUCT", … */
struct place_kind {
    const char *name;
    /* Who knows the candidates: "words" (we do), or the shell: "files", "directories",
     * "machines". */
    const char *source;
    /* Adds candidates to an object: { candidate: description }. `line` is the command line so far,
     * `typed` the beginning of the word. What can't be found out is left out. NULL: none. */
    void (*fill)(const struct options *line, const char *typed, json_t *ret);
};

/* NULL: nothing is known of such a place. */
const struct place_kind *place_kind_find(const char *name);

/* Adds one; the description, which may be NULL, ends with its first line. */
void candidate_add(json_t *candidates, const char *text, const char *description);

#endif
