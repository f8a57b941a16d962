/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_DOC_H
#define PORTD_ENGINE_DOC_H

#include "base/arena.h"
#include "base/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A JSON text (RFC 8259) with the place of every value.
 * Member names are unique in each object: duplicates are reported as mistakes. */

enum node_type {
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_STRING,
    NODE_INTEGER,
    NODE_REAL, /* no format of ours has one: its value is not kept */
    NODE_BOOLEAN,
    NODE_NULL,
    NODE_BLANK, /* a string that text_is_blank(): what is wanted here is still missing */
    NODE_TYPE_MAX,
};

struct node {
    enum node_type type;
    struct node *parent;
    const char *key; /* member name when the parent is an object */
    size_t index;    /* position in the parent when it is an array */
    const char *file;
    uint32_t line, column; /* of the value's first byte */
    union {
        const char *string; /* UTF-8 without NUL; of blanks too */
        int64_t integer;
        bool boolean;
    };
    struct node **children; /* objects and arrays, in the order of the file */
    size_t n_children;
};

const char *node_type_name(enum node_type t); /* "an object", "a string", … */

/* "<what is wanted here>": a place of a file that its author has still to fill in. A blank is of a
 * type of its own, so no reader takes it for a value. A member's name may be blank, too. */
bool text_is_blank(const char *text);

/* The place of a node, its pointer built in `a` ("" when memory is out; keys longer than
 * DOC_POINTER_KEY_MAX bytes are cut in it, with "..."). */
#define DOC_POINTER_KEY_MAX 128U
struct place node_place(const struct node *n, struct arena *a);
/* The member of an object or NULL; linear. */
const struct node *node_member(const struct node *object, const char *key);

enum { DOC_E_INVALID = 1 };

#define DOC_DEPTH_MAX  32U
#define DOC_VALUES_MAX 4000000U

/* Parses `text`, which has a NUL behind its last byte, all nodes in `a`; what stands at the top is
 * an object or an array. `file` is the name for the places and outlives the nodes. DOC_E_INVALID:
 * malformed, too deep, too many values, or a duplicate member; every duplicate is reported, of
 * syntax errors the first. With nothing but duplicates *ret is set nevertheless, so that the caller
 * can go on and collect what else is wrong; after any other failure it is NULL. */
int doc_parse(const char *text, size_t size, const char *file, struct arena *a, struct node **ret,
              struct report *reterr);

/* Merges `over` into `base` (both objects, the same arena): objects member by member, the array
 * at the top-level member "flows" appended, everything else replaced. Every node keeps its parent,
 * and so the place in the file that it came from. */
int doc_merge(struct arena *a, struct node *base, const struct node *over);

#endif
