/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_VERBS_H
#define PORTD_CTL_VERBS_H

#include "verb.h"

/* The verb behind `v` in the table, of NULL the first; NULL behind the last. */
const struct verb *verb_next(const struct verb *v);
const struct verb *verb_find(const char *name);
/* The verb that was probably meant, or NULL. */
const char *verb_nearest(const char *name);

/* For programs: not told of in help and completion. */
static inline bool verb_is_hidden(const struct verb *v) {
    return !v->summary;
}

#endif
