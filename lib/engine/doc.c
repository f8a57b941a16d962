/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be done with nodes once a text was read (reader.c): their places, merging. */
#include "engine/doc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[] = {
    [NODE_OBJECT] = "an object",
    [NODE_ARRAY] = "an array",
    [NODE_STRING] = "a string",
    [NODE_INTEGER] = "an integer",
    [NODE_REAL] = "a number with a fraction",
    [NODE_BOOLEAN] = "true or false",
    [NODE_NULL] = "null",
    [NODE_BLANK] = "a blank",
};
static_assert(ARRAY_SIZE(type_names) == NODE_TYPE_MAX, "a type has no name");

const char *node_type_name(enum node_type t) {
    return type_names[t];
}

bool text_is_blank(const char *text) {
    return text[0] == '<' && text[1] && text[2] && text[strlen(text) - 1] == '>';
}

/* Without a buffer only the length counts. */
static void put(char *buf, size_t *at, char c) {
    if (buf)
        buf[*at] = c;
    (*at)++;
}

/* Writes the pointer to `n` and returns its length. */
static size_t pointer_write(const struct node *n, char *buf) {
    char index[24];
    const char *key = n->key;
    size_t at, i;

    if (!n->parent)
        return 0;
    at = pointer_write(n->parent, buf);
    if (!key) {
        snprintf(index, sizeof(index), "%zu", n->index);
        key = index;
    }
    put(buf, &at, '/');
    for (i = 0; key[i] && (i < DOC_POINTER_KEY_MAX || (key[i] & 0xc0) == 0x80); i++) {
        if (key[i] == '~' || key[i] == '/') /* RFC 6901 section 3 */
            put(buf, &at, '~');
        put(buf, &at, key[i] == '~' ? '0' : key[i] == '/' ? '1' : key[i]);
    }
    for (size_t dots = key[i] ? 3 : 0; dots > 0; dots--)
        put(buf, &at, '.');
    return at;
}

struct place node_place(const struct node *n, struct arena *a) {
    char *pointer = arena_alloc(a, pointer_write(n, NULL) + 1);

    if (pointer)
        pointer_write(n, pointer);
    return (struct place){
        .file = n->file,
        .pointer = pointer ? pointer : "",
        .line = n->line,
        .column = n->column,
    };
}

const struct node *node_member(const struct node *object, const char *key) {
    if (object->type == NODE_OBJECT)
        for (size_t i = 0; i < object->n_children; i++)
            if (strcmp(object->children[i]->key, key) == 0)
                return object->children[i];
    return NULL;
}

static int key_compare(const void *x, const void *y) {
    const struct node *a = *(struct node *const *)x, *b = *(struct node *const *)y;

    return strcmp(a->key, b->key);
}

/* The children by key, malloc'ed; NULL without memory. */
static struct node **children_sorted(const struct node *object) {
    struct node **sorted = calloc(object->n_children + 1, sizeof(struct node *));

    if (sorted && object->n_children > 0) {
        memcpy(sorted, object->children, object->n_children * sizeof(struct node *));
        qsort(sorted, object->n_children, sizeof(struct node *), key_compare);
    }
    return sorted;
}

static int node_append(struct arena *a, struct node *to, struct node *child) {
    struct node **slot = ARENA_APPEND(a, to->children, to->n_children);

    if (!slot)
        return -ENOMEM;
    *slot = child;
    return 0;
}

static int array_append(struct arena *a, struct node *to, const struct node *from) {
    int r = 0;

    for (size_t i = 0; i < from->n_children && r == 0; i++)
        r = node_append(a, to, from->children[i]);
    return r;
}

static int object_merge(struct arena *a, struct node *base, const struct node *over, bool is_top) {
    _cleanup_(freep) struct node **sorted = children_sorted(base);
    size_t n_sorted = base->n_children;
    int r = 0;

    if (!sorted)
        return -ENOMEM;
    for (size_t i = 0; i < over->n_children && r == 0; i++) {
        struct node *theirs = over->children[i], *ours;
        struct node **found = bsearch(&theirs, sorted, n_sorted, sizeof(*sorted), key_compare);

        ours = found ? *found : NULL;
        if (!ours)
            r = node_append(a, base, theirs);
        else if (ours->type == NODE_OBJECT && theirs->type == NODE_OBJECT)
            r = object_merge(a, ours, theirs, false);
        else if (is_top && strcmp(ours->key, "flows") == 0 && ours->type == NODE_ARRAY &&
                 theirs->type == NODE_ARRAY)
            r = array_append(a, ours, theirs);
        else
            *ours = *theirs;
    }
    return r;
}

int doc_merge(struct arena *a, struct node *base, const struct node *over) {
    return object_merge(a, base, over, true);
}
