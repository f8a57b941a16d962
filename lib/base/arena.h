/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_BASE_ARENA_H
#define PORTD_BASE_ARENA_H

#include "base/macros.h"

#include <stddef.h>
#include <string.h>

/* Memory that is let go of all at once. Every value type of the engine (policy, site, intent,
 * ruleset, plan) owns one arena, and whatever it points to lives there: copying a pointer between
 * two values of different lifetime is a bug, arena_strdup() into the longer one is the remedy.
 *
 * All functions return NULL when memory is out, and only then. Memory is zeroed. */
struct arena;

struct arena *arena_new(void);
struct arena *arena_free(struct arena *a);
DEFINE_CLEANUP(struct arena *, arena_free);

void *arena_alloc(struct arena *a, size_t size);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);
char *arena_printf(struct arena *a, const char *format, ...) _printf_(2, 3);

/* Makes room for one more element behind the `n` of `array`: returns the array (moved when its
 * capacity, the next power of two, is used up), the new element zeroed. */
void *arena_grow(struct arena *a, void *array, size_t n, size_t element_size);

/* Appends a zeroed element to an array that lives in `a` and yields its address, or NULL. */
#define ARENA_APPEND(a, array, n)                                                                  \
    ({                                                                                             \
        __typeof__(array) _grown = arena_grow((a), (array), (n), sizeof(*(array)));                \
        if (_grown)                                                                                \
            (array) = _grown;                                                                      \
        _grown ? &_grown[(n)++] : NULL;                                                            \
    })

#endif
