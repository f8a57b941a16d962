/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A chain of blocks that double in size, so that a site of a million prefixes costs some twenty
 * calls of malloc and one walk to free. A block larger than the next size gets its own. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ALIGNMENT alignof(max_align_t)
#define BLOCK_MIN 4096U
#define BLOCK_MAX (1U << 20)

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) uint8_t bytes[];
};

struct arena {
    struct block *blocks; /* newest first */
    size_t next_size;
};

struct arena *arena_new(void) {
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        a->next_size = BLOCK_MIN;
    return a;
}

struct arena *arena_free(struct arena *a) {
    if (!a)
        return NULL;
    while (a->blocks) {
        struct block *next = a->blocks->next;

        free(a->blocks);
        a->blocks = next;
    }
    free(a);
    return NULL;
}

static struct block *block_add(struct arena *a, size_t size) {
    struct block *b;

    if (size < a->next_size)
        size = a->next_size;
    b = calloc(1, sizeof(*b) + size);
    if (!b)
        return NULL;
    b->size = size;
    b->next = a->blocks;
    a->blocks = b;
    if (a->next_size < BLOCK_MAX)
        a->next_size *= 2;
    return b;
}

void *arena_alloc(struct arena *a, size_t size) {
    struct block *b = a->blocks;
    void *p;

    if (size > SIZE_MAX / 2)
        return NULL;
    size = (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (!b || b->size - b->used < size)
        b = block_add(a, size);
    if (!b)
        return NULL;
    p = b->bytes + b->used;
    b->used += size;
    return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n) {
    char *copy = arena_alloc(a, n + 1);

    if (copy)
        memcpy(copy, s, n);
    return copy;
}

char *arena_strdup(struct arena *a, const char *s) {
    return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *format, ...) {
    _cleanup_(freep) char *text = NULL;
    va_list ap;
    int n;

    va_start(ap, format);
    n = vasprintf(&text, format, ap);
    va_end(ap);
    if (n < 0) {
        text = NULL; /* undefined after a failed vasprintf() */
        return NULL;
    }
    return arena_strndup(a, text, (size_t)n);
}

static bool is_full(size_t n) {
    return (n & (n - 1)) == 0; /* 0 and the powers of two */
}

void *arena_grow(struct arena *a, void *array, size_t n, size_t element_size) {
    void *moved;

    if (!is_full(n))
        return array;
    moved = arena_alloc(a, (n ? n * 2 : 1) * element_size);
    if (moved && n)
        memcpy(moved, array, n * element_size);
    return moved;
}
