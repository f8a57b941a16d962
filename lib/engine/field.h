/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_FIELD_H
#define PORTD_ENGINE_FIELD_H

#include "engine/doc.h"
#include "engine/name.h"
#include "engine/policy.h"

/* From nodes to records, by tables: what policy_load(), site_load() and site_check() share.
 * Readers return 0 or -ENOMEM; a mistake goes into the report, and reading goes on, so that one
 * look at a file finds everything. */

struct loader {
    struct arena *arena;   /* of the value that is built */
    struct arena *scratch; /* for messages */
    struct report *report;
    size_t n_prefixes;  /* of the whole file, for PREFIXES_MAX */
    size_t n_hostnames; /* likewise, for HOSTNAMES_MAX */
};

/* What one member of an object is. `record` is what fields_read() was given, plus `offset`. */
struct field {
    const char *key;
    enum node_type type; /* FIELD_ANY_TYPE: the reader looks for itself */
    bool required;
    size_t offset;
    int (*read)(struct loader *l, const struct node *value, void *record);
    const char *example; /* of a value, for messages; NULL: there is nothing to show */
};
#define FIELD_ANY_TYPE NODE_TYPE_MAX
#define FIELDS_MAX     32U

int fields_read(struct loader *l, const struct node *object, const struct field *fields, size_t n,
                void *record);

/* Whether all children of a member of `object` were read, so that a name which is not among them
 * is there nowhere: not when the member is no object, stands twice, has more children than the
 * `n_read`, or is missing beside an unknown one, which may be it, misspelled. */
bool member_was_read(const struct node *object, const struct field *fields, size_t n,
                     const char *key, size_t n_read);

/* One zeroed record for each child of an object or array, in the loader's arena; `read` gets the
 * child and its record. More than `max` children are a mistake, and then there are none. */
int children_read(struct loader *l, const struct node *parent, size_t size, size_t max,
                  int (*read)(struct loader *l, const struct node *child, void *record),
                  void *ret_items, size_t *ret_n);

/* Of a blank nothing else is said than that it is one, and what it wants. */
void mistake(struct loader *l, const struct node *n, const char *format, ...) _printf_(3, 4);
/* `"ACD-LX" is no role of jtel-acd; did you mean "ACD-LB"? There are: …` */
void mistake_unknown(struct loader *l, const struct node *n, const char *name, const char *what,
                     const struct names *names);
/* The name of a member that its author names. */
void key_check(struct loader *l, const struct node *n);
/* `must be an array, as in ["10.1.0.21"], not a string`; without `example` (NULL) less. */
bool node_is(struct loader *l, const struct node *n, enum node_type type, const char *example);

/* Readers for tables. Texts are of one line and not empty. */
int read_format(struct loader *l, const struct node *n, void *record);
int read_text(struct loader *l, const struct node *n, void *record);    /* const char * */
int read_name(struct loader *l, const struct node *n, void *record);    /* const char * */
int read_boolean(struct loader *l, const struct node *n, void *record); /* bool */
int read_port(struct loader *l, const struct node *n, void *record);    /* uint16_t */
int read_texts(struct loader *l, const struct node *n, void *record);   /* struct words */
/* struct prefix; .node stays NULL where there is no prefix */
int read_prefix(struct loader *l, const struct node *n, void *record);
int read_prefixes(struct loader *l, const struct node *n, void *record); /* struct prefixes */

int read_hostnames(struct loader *l, const struct node *n, void *record); /* struct words */
/* What a site binds a peer to: struct site_peer. */
int read_addressees(struct loader *l, const struct node *n, void *record);

/* The same string twice in an array is a mistake. */
int strings_check_unique(struct loader *l, const struct node *array);
void array_check_not_empty(struct loader *l, const struct node *array, const char *why);
/* The strings of an array; what is no string is a mistake, and "". */
int strings_read(struct loader *l, const struct node *array, struct words *ret,
                 const char *example);

#endif
