/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "engine/jsonlist.h"

json_t *json_list(const void *owner, size_t n, json_t *(*item)(const void *owner, size_t i)) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < n; i++)
        if (json_array_append_new(array, item(owner, i)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static json_t *string_item(const void *owner, size_t i) {
    return json_string(((const char *const *)owner)[i]);
}

json_t *json_list_strings(const char *const *strings, size_t n) {
    return json_list(strings, n, string_item);
}

static json_t *word_item(const void *owner, size_t i) {
    return json_string(((const struct words *)owner)->items[i].text);
}

json_t *json_list_words(const struct words *words) {
    return json_list(words, words->n, word_item);
}

json_t *json_whole(json_t *o, int r) {
    if (o && r < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}
