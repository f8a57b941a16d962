/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_SNAPSHOT_H
#define PORTD_DAEMON_SNAPSHOT_H

#include "daemon/enforced.h"

#include <jansson.h>

/* The last good input, kept in the state directory: the very texts that were accepted, so that
 * they come back through the same loader, with the generation they gave. */

#define SNAPSHOT_NAME "last-good.json"

struct snapshot {
    uint64_t generation;
    uint64_t since_usec; /* CLOCK_REALTIME when that generation came in force */
    char digest[DIGEST_TEXT_SIZE];
    const char *host;          /* whom of the site we were; to be saved only, may be NULL */
    struct enforced *enforced; /* NULL when it was not wanted */
};

enum {
    SNAPSHOT_E_ABSENT = 1,
    SNAPSHOT_E_INVALID = 2, /* damaged, or what it says is no longer understood: see the report */
};

/* The texts and what is said of them, as they are kept; NULL: no memory. */
json_t *snapshot_json(const struct files *files, const struct snapshot *s);
/* Atomically. `files` are the texts; 0 or -errno. */
int snapshot_save(const char *state_dir, const struct files *files, const struct snapshot *s);
/* As snapshot_json() made it. 0, SNAPSHOT_E_* or -errno. */
int snapshot_read(const char *state_dir, json_t **ret, struct report *reterr);
/* What it means; the result has the texts. With `host` as in snapshot_load(). 0,
 * SNAPSHOT_E_INVALID or -errno. */
int snapshot_enforce(json_t *snapshot, const char *host, struct enforced **ret,
                     struct report *reterr);

/* Checks the file's own digest. With `host` as in struct input; is
 * there no such host in the snapshot, the one that was saved. `wants_enforced` false: only the
 * generation is wanted, nothing is resolved. */
int snapshot_load(const char *state_dir, const char *host, bool wants_enforced,
                  struct snapshot *ret, struct report *reterr);

/* The texts alone. */
int snapshot_files(const char *state_dir, struct files **ret);

#endif
