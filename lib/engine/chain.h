/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_CHAIN_H
#define PORTD_ENGINE_CHAIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A history in which an edit shows: a JSON object a line,
 *   {"number":7,"previous":"HEX",…,"chain":"HEX"}
 * where `chain` is the SHA-256 of the line's bytes up to the comma before "chain", and `previous`
 * that of the line before: so it is over the whole past. The line that begins a chain has zeros
 * there. The oldest lines may be dropped, all others have to stay as they are. Who rebuilds all
 * of it and whatever else knows a digest of it is not found out by this. */

#define CHAIN_DIGEST_SIZE 65 /* hexadecimal, with the NUL */

/* A place in the chain: behind the line of that number. */
struct chain_link {
    uint64_t number; /* 0: before the first line */
    char digest[CHAIN_DIGEST_SIZE];
};

/* Where a chain begins behind what was lost up to `number`. */
struct chain_link chain_begin(uint64_t number);
bool chain_is_begin(const struct chain_link *at);

/* The line of `record` behind *at, with its newline, malloc'ed, and *at moves behind it. NULL, and
 * *at stays: memory is out, or the record is no object with at least one member. */
char *chain_line(struct chain_link *at, json_t *record);

/* Reads where a line stands; false when it is no line of a chain, or its digest is not its own.
 * `line` has no newline. */
bool chain_line_read(const char *line, size_t size, struct chain_link *ret_previous,
                     struct chain_link *ret);

enum chain_verdict {
    CHAIN_INTACT,
    CHAIN_TORN,   /* intact, but the last line has no end: whoever wrote it died over it */
    CHAIN_BROKEN, /* somebody changed it */
};

struct chain_check {
    enum chain_verdict verdict;
    size_t n_lines;         /* those before the fault, if there is one */
    size_t n_bytes;         /* their size */
    uint64_t first;         /* number of the oldest; 0: there is none */
    struct chain_link last; /* behind the newest of them */
    uint64_t number;        /* broken: of the line where it breaks; 0: can't be told */
    const char *why;        /* broken: a clause, static */
};

/* `known`: a place in it that was written down elsewhere; not older than the line before the
 * oldest. Fewer than `n_kept` lines: none was dropped, the first begins the chain. */
void chain_check(const char *bytes, size_t size, const struct chain_link *known, size_t n_kept,
                 struct chain_check *ret);

#endif
