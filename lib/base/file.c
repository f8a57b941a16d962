/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file is judged by the descriptor that is then read, never by its path, so that nobody can swap
 * it in between. Opening must not hang on a FIFO or take a terminal, hence the flags. Symbolic
 * links are followed: whoever can plant one in /etc can write the file itself. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

static struct place place_of(const char *path) {
    return (struct place){ .file = path };
}

/* Whether it is our lack of something, not a property of the file. */
static bool is_ours(int error) {
    return error == ENOMEM || error == EMFILE || error == ENFILE || error == EINTR;
}

static int open_refused(const char *path, int error, struct report *reterr) {
    if (is_ours(error))
        return -error;
    if (error == ENOENT) {
        report_add(reterr, place_of(path), "does not exist");
        return FILE_E_ABSENT;
    }
    if (error == ENXIO)
        report_add(reterr, place_of(path), "is a socket or a device: it must be a regular file");
    else
        report_add(reterr, place_of(path), "can't be opened: %s", strerror(error));
    return FILE_E_REFUSED;
}

static int file_judge(const char *path, const struct stat *st, size_t max, struct report *reterr) {
    if (!S_ISREG(st->st_mode)) {
        report_add(reterr, place_of(path), "is %s: it must be a regular file",
                   S_ISDIR(st->st_mode)    ? "a directory"
                   : S_ISFIFO(st->st_mode) ? "a FIFO"
                                           : "a socket or a device");
        return FILE_E_REFUSED;
    }
    if (st->st_uid != 0 && st->st_uid != geteuid()) {
        report_add(reterr, place_of(path),
                   "belongs to uid %u, who could change it at any time: chown root %s", st->st_uid,
                   path);
        return FILE_E_REFUSED;
    }
    if (st->st_mode & (S_IWGRP | S_IWOTH)) {
        report_add(reterr, place_of(path), "others than its owner can write it: chmod go-w %s",
                   path);
        return FILE_E_REFUSED;
    }
    if ((uint64_t)st->st_size > max) {
        report_add(reterr, place_of(path), "has %" PRIu64 " bytes, more than the %zu allowed",
                   (uint64_t)st->st_size, max);
        return FILE_E_REFUSED;
    }
    return 0;
}

/* Reads until the end or until `size` bytes are there. */
static int read_full(int fd, char *bytes, size_t size, size_t *ret_n) {
    size_t n = 0;

    while (n < size) {
        ssize_t r = read(fd, bytes + n, size - n);

        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0)
            return -errno;
        if (r == 0)
            break;
        n += (size_t)r;
    }
    *ret_n = n;
    return 0;
}

/* One byte more than there should be is asked for: a file that someone writes at this moment has
 * another size than fstat() said. */
static int content_read(int fd, size_t size, struct file *f, struct report *reterr) {
    int r;

    f->bytes = malloc(size + 1);
    if (!f->bytes)
        return -ENOMEM;
    r = read_full(fd, f->bytes, size + 1, &f->size);
    if (r < 0 && is_ours(-r))
        return r;
    if (r < 0)
        report_add(reterr, place_of(f->path), "can't be read: %s", strerror(-r));
    else if (f->size != size)
        report_add(reterr, place_of(f->path), "changed while it was read: try again");
    else {
        f->bytes[size] = '\0';
        return 0;
    }
    return FILE_E_REFUSED;
}

int file_read(const char *path, size_t max, struct file *ret, struct report *reterr) {
    _cleanup_(file_clear) struct file f = { .path = strdup(path) };
    _cleanup_(closep) int fd = -1;
    struct stat st;
    int r;

    if (!f.path)
        return -ENOMEM;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return open_refused(path, errno, reterr);
    if (fstat(fd, &st) < 0)
        return -errno;
    r = file_judge(path, &st, max, reterr);
    if (r == 0)
        r = content_read(fd, (size_t)st.st_size, &f, reterr);
    if (r != 0)
        return r;
    *ret = f;
    f = (struct file){ 0 };
    return 0;
}

void file_clear(struct file *f) {
    free(f->path);
    free(f->bytes);
    *f = (struct file){ 0 };
}

/* --- directories --- */

static bool ends_with(const char *s, const char *end) {
    size_t n = strlen(s), n_end = strlen(end);

    return n > n_end && strcmp(s + n - n_end, end) == 0;
}

static bool is_wanted(int fd, const struct dirent *entry) {
    struct stat st;

    return entry->d_name[0] != '.' && ends_with(entry->d_name, ".json") &&
           !ends_with(entry->d_name, ".schema.json") && fstatat(fd, entry->d_name, &st, 0) == 0 &&
           S_ISREG(st.st_mode);
}

/* Adds "DIRECTORY/NAME" and keeps the NULL at the end. */
static int path_append(char ***paths, size_t *n, const char *directory, const char *name) {
    char **grown, *path;

    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return -ENOMEM;
    grown = reallocarray(*paths, *n + 2, sizeof(char *));
    if (!grown) {
        free(path);
        return -ENOMEM;
    }
    *paths = grown;
    grown[(*n)++] = path;
    grown[*n] = NULL;
    return 0;
}

static int path_compare(const void *x, const void *y) {
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static void closedirp(DIR **d) {
    if (*d)
        closedir(*d);
}

int directory_list_json(const char *path, char ***ret_paths, size_t *ret_n, struct report *reterr) {
    _cleanup_(paths_freep) char **paths = calloc(1, sizeof(*paths));
    _cleanup_(closedirp) DIR *d = NULL;
    struct dirent *entry;
    size_t n = 0;
    int r = 0;

    if (!paths)
        return -ENOMEM;
    d = opendir(path);
    if (!d && errno != ENOENT)
        r = open_refused(path, errno, reterr);
    while (d && r == 0 && (errno = 0, entry = readdir(d)))
        if (is_wanted(dirfd(d), entry))
            r = path_append(&paths, &n, path, entry->d_name);
    if (d && r == 0 && errno != 0)
        r = open_refused(path, errno, reterr);
    if (r != 0)
        return r;
    qsort(paths, n, sizeof(*paths), path_compare);
    *ret_paths = TAKE_PTR(paths);
    *ret_n = n;
    return 0;
}

char **paths_free(char **paths) {
    for (char **p = paths; p && *p; p++)
        free(*p);
    free(paths);
    return NULL;
}

/* --- writing --- */

static int write_full(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        size -= (size_t)n;
    }
    return 0;
}

int file_sync_directory(const char *path) {
    const char *slash = strrchr(path, '/');
    _cleanup_(freep) char *directory = NULL;
    _cleanup_(closep) int fd = -1;

    directory = !slash          ? strdup(".")
                : slash == path ? strdup("/")
                                : strndup(path, (size_t)(slash - path));
    if (!directory)
        return -ENOMEM;
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

static int temporary_fill(int fd, const void *bytes, size_t size, unsigned mode) {
    int r = write_full(fd, bytes, size);

    if (r < 0)
        return r;
    return fchmod(fd, mode) < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* rename() takes the name from whatever has it, link() doesn't. */
static int temporary_place(const char *temporary, const char *path, bool may_replace) {
    if ((may_replace ? rename(temporary, path) : link(temporary, path)) < 0)
        return -errno;
    if (!may_replace)
        unlink(temporary);
    return 0;
}

static int file_make(const char *path, const void *bytes, size_t size, unsigned mode,
                     bool may_replace) {
    _cleanup_(freep) char *temporary = NULL;
    _cleanup_(closep) int fd = -1;
    int r;

    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        temporary = NULL; /* undefined after a failed asprintf() */
        return -ENOMEM;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    r = temporary_fill(fd, bytes, size, mode);
    if (r == 0)
        r = temporary_place(temporary, path, may_replace);
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    return file_sync_directory(path);
}

int file_write_atomic(const char *path, const void *bytes, size_t size, unsigned mode) {
    return file_make(path, bytes, size, mode, true);
}

int file_create_atomic(const char *path, const void *bytes, size_t size, unsigned mode) {
    return file_make(path, bytes, size, mode, false);
}
