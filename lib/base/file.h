/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_BASE_FILE_H
#define PORTD_BASE_FILE_H

#include "base/macros.h"
#include "base/report.h"

#include <stddef.h>

/* The one opener of input files. Named outcomes besides 0 and -errno (ours: memory): */
enum {
    FILE_E_REFUSED = 1, /* not readable, not a regular file, writable by others, too large, … */
    FILE_E_ABSENT = 2,  /* does not exist */
};

struct file {
    char *path;  /* as asked for */
    char *bytes; /* NUL behind the last byte */
    size_t size;
};

/* Reads a file of at most `max` bytes. Refused: anything that is no regular file, that group
 * or others can write, or whose owner is neither root nor the caller; the report says what to do.
 * An absent file is reported, too, as such.
 * Neither blocks on a FIFO nor reads a byte of a file that is too large. Symbolic links are
 * followed; what counts is the file that they lead to. */
int file_read(const char *path, size_t max, struct file *ret, struct report *reterr);
void file_clear(struct file *f);

/* The paths of the regular entries "*.json" of a directory (or links to such), "*.schema.json"
 * and hidden ones left out, sorted by name. An absent directory is an empty one. 0,
 * FILE_E_REFUSED or -errno. Free with paths_free(). */
int directory_list_json(const char *path, char ***ret_paths, size_t *ret_n, struct report *reterr);
char **paths_free(char **paths); /* NULL-terminated */
DEFINE_CLEANUP(char **, paths_free);

/* Writes a whole file so that either the old or the new content survives a crash: temporary
 * file beside it, fsync, rename, fsync of the directory. 0 or -errno (-ENOSPC, -EROFS, …). */
int file_write_atomic(const char *path, const void *bytes, size_t size, unsigned mode);
/* The same for a file that isn't there yet. -EEXIST: something has this name already, be it a link
 * to nowhere, and stays as it is. */
int file_create_atomic(const char *path, const void *bytes, size_t size, unsigned mode);
/* What happened to the name of this file survives a crash. 0 or -errno. */
int file_sync_directory(const char *path);

#endif
