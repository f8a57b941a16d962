/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_BASE_REPORT_H
#define PORTD_BASE_REPORT_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Where in a file something stands. `file` NULL: no file; `line` 0: the file as a whole.
 * Lines and columns count from 1, columns in bytes. `pointer` is an RFC 6901 JSON pointer or
 * NULL. The strings are borrowed. */
struct place {
    const char *file;
    const char *pointer;
    uint32_t line, column;
};

struct report_entry {
    struct place place; /* strings owned by the report */
    const char *text;   /* what is wrong, and what to do */
};

/* A list of mistakes. Adding never fails: when memory is out, or past REPORT_MAX entries, the
 * entry is dropped but counted. */
#define REPORT_MAX 1000U
struct report {
    struct report_entry *entries;
    size_t n_entries;
    size_t n_dropped;
};

#define REPORT_INIT ((struct report){ 0 })

void report_add(struct report *r, struct place place, const char *format, ...) _printf_(3, 4);
bool report_is_empty(const struct report *r);
bool report_is_full(const struct report *r); /* whatever is added now is only counted */

/* Moves the entries of `from` behind those of `to`. */
void report_append(struct report *to, struct report *from);

/* Sorts by file, line, column; entries without a file first. */
void report_sort(struct report *r);

/* One line a mistake: `site.json:42:17: /hosts/acd-lb1/addresses/0: "10.1.0.300" is not …`, its
 * control characters escaped. */
char *report_entry_text(const struct report_entry *e); /* malloc'ed, NULL without memory */
void report_print(const struct report *r, FILE *f);

void report_clear(struct report *r); /* frees the entries; the report can be used again */

/* A refusal in one sentence, where there is no file to point into: *reterr (malloc'ed), and
 * `outcome` is returned; -ENOMEM. */
int refuse_text(int outcome, char **reterr, const char *format, ...) _printf_(3, 4);

#endif
