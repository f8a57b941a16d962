/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_JSONLIST_H
#define PORTD_ENGINE_JSONLIST_H

#include "engine/policy.h"

#include <jansson.h>
#include <stddef.h>

/* An array of what `item` gives for 0 to n - 1; NULL, and nothing leaked, when any of them or the
 * array is NULL (memory is out). `owner` is passed on. */
json_t *json_list(const void *owner, size_t n, json_t *(*item)(const void *owner, size_t i));

/* An array of strings. */
json_t *json_list_strings(const char *const *strings, size_t n);
json_t *json_list_words(const struct words *words);

/* Gives `o` back; when r is negative, lets it go and gives NULL. */
json_t *json_whole(json_t *o, int r);

#endif
