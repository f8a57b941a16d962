/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_HISTORY_FILE_H
#define PORTD_DAEMON_HISTORY_FILE_H

#include "base/file.h"
#include "engine/chain.h"

#include <sys/types.h>
#include <time.h>

/* The history of drifts on disk: the lines of the chain, and beside them a small file that says
 * where the chain ends, so that its newest lines can't be cut off unseen. Every call may take as
 * long as the disk takes. */

#define HISTORY_FILE   "drifts.jsonl"
#define HISTORY_KEPT   1000U /* lines that are kept at least */
#define HISTORY_EXCESS 250U  /* more of them, and the file is written anew */

struct history_file {
    char *path, *end_path, *damaged_path;
    ino_t inode; /* of the file as we left it; 0: none */
    off_t size;
    struct timespec written; /* its time of modification */
    size_t n_lines;
};

int history_file_init(struct history_file *f, const char *state_dir);
void history_file_clear(struct history_file *f);

/* Reads both files. FILE_E_ABSENT: there was never a history. Else *ret_check judges what was
 * found, *ret_end is the newest number that was written down; when `ret_content` is not needed any
 * more, file_clear() it: a file that is missing or refused is an empty one, and broken. -errno:
 * ours. */
int history_file_read(const struct history_file *f, struct file *ret_content,
                      struct chain_check *ret_check, uint64_t *ret_end);

/* The file now holds what the check found whole: from here on it is expected to be so. A torn
 * line is taken away. */
int history_file_adopt(struct history_file *f, const struct chain_check *check);
/* Keeps the file aside as HISTORY_FILE.damaged; the chain begins anew at `at`. */
int history_file_set_aside(struct history_file *f, const struct chain_link *at);
bool history_file_has_damaged(const struct history_file *f);

/* Whether nobody changed it since we wrote: only then it may be appended to. */
bool history_file_is_ours(const struct history_file *f);
/* Appends whole lines, in one write, and waits for the disk; what doesn't fit whole is taken away
 * again. */
int history_file_append(struct history_file *f, const char *lines, size_t size, size_t n);
/* Writes it anew. A file there that isn't ours is kept aside; *ret_was_changed: there
 * was one of ours, in any case. */
int history_file_replace(struct history_file *f, const char *lines, size_t size, size_t n,
                         bool *ret_was_changed);
/* Behind either: where the chain ends now. */
int history_file_end(const struct history_file *f, const struct chain_link *end);

#endif
