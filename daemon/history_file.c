/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines reach the disk before the file that says where they end does. A crash in between
 * leaves more lines than that file knows of, which is fine; fewer mean that somebody cut them. */
#include "daemon/history_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)64 << 20)
#define END_MAX  ((size_t)4096)

int history_file_init(struct history_file *f, const char *state_dir) {
    *f = (struct history_file){ 0 };
    if (asprintf(&f->path, "%s/" HISTORY_FILE, state_dir) < 0)
        f->path = NULL;
    if (asprintf(&f->end_path, "%s/" HISTORY_FILE ".end", state_dir) < 0)
        f->end_path = NULL;
    if (asprintf(&f->damaged_path, "%s/" HISTORY_FILE ".damaged", state_dir) < 0)
        f->damaged_path = NULL;
    return f->path && f->end_path && f->damaged_path ? 0 : -ENOMEM;
}

void history_file_clear(struct history_file *f) {
    free(f->path);
    free(f->end_path);
    free(f->damaged_path);
    *f = (struct history_file){ 0 };
}

/* --- where it ends --- */

static int end_text(const struct chain_link *end, char **ret) {
    int n = asprintf(ret, "{\"number\":%" PRIu64 ",\"chain\":\"%s\"}\n", end->number, end->digest);

    return n < 0 ? -ENOMEM : 0;
}

int history_file_end(const struct history_file *f, const struct chain_link *end) {
    _cleanup_(freep) char *text = NULL;
    int r = end_text(end, &text);

    return r < 0 ? r : file_write_atomic(f->end_path, text, strlen(text), 0600);
}

/* Only as it is written. */
static bool end_parse(const struct file *file, struct chain_link *ret) {
    _cleanup_(freep) char *again = NULL;
    struct chain_link end;

    if (sscanf(file->bytes, "{\"number\":%18" SCNu64 ",\"chain\":\"%64[0-9a-f]\"}", &end.number,
               end.digest) != 2 ||
        end_text(&end, &again) < 0 || strcmp(again, file->bytes) != 0)
        return false;
    *ret = end;
    return strlen(end.digest) == CHAIN_DIGEST_SIZE - 1 && strlen(file->bytes) == file->size;
}

static int end_read(const struct history_file *f, struct chain_link *ret) {
    struct report why = REPORT_INIT;
    struct file file = { 0 };
    int r = file_read(f->end_path, END_MAX, &file, &why);

    report_clear(&why);
    if (r == 0 && !end_parse(&file, ret))
        r = FILE_E_REFUSED;
    file_clear(&file);
    return r;
}

/* --- reading --- */

static struct chain_check broken(const struct chain_link *end, const char *why) {
    return (struct chain_check){ .verdict = CHAIN_BROKEN, .last = *end, .why = why };
}

/* Without the other file what can be known is only whether the lines follow from each other. */
static struct chain_check check_alone(const struct file *content) {
    struct chain_link previous, own, known = chain_begin(0);
    const char *newline = content->size ? memchr(content->bytes, '\n', content->size) : NULL;
    struct chain_check check;

    if (newline &&
        chain_line_read(content->bytes, (size_t)(newline - content->bytes), &previous, &own))
        known = previous;
    chain_check(content->bytes, content->size, &known, HISTORY_KEPT, &check);
    if (check.verdict != CHAIN_BROKEN) {
        check.verdict = CHAIN_BROKEN;
        check.why = HISTORY_FILE ".end, which says where it ends, is missing or damaged";
    }
    return check;
}

int history_file_read(const struct history_file *f, struct file *ret_content,
                      struct chain_check *ret_check, uint64_t *ret_end) {
    struct chain_link end = chain_begin(0);
    struct report why = REPORT_INIT;
    struct file content = { 0 };
    int r_end = end_read(f, &end), r;

    if (r_end < 0)
        return r_end;
    r = file_read(f->path, FILE_MAX, &content, &why);
    report_clear(&why);
    if (r < 0 || (r == FILE_E_ABSENT && r_end == FILE_E_ABSENT))
        return r;
    if (r == FILE_E_REFUSED)
        *ret_check = broken(&end, "it is no file that portd alone can write");
    else if (r == FILE_E_ABSENT && r_end == 0 && chain_is_begin(&end))
        *ret_check = (struct chain_check){ .last = end };
    else if (r == FILE_E_ABSENT)
        *ret_check = broken(&end, "the file is missing");
    else if (r_end != 0)
        *ret_check = check_alone(&content);
    else
        chain_check(content.bytes, content.size, &end, HISTORY_KEPT, ret_check);
    *ret_content = content;
    *ret_end = end.number;
    return 0;
}

/* --- writing --- */

/* Expects the file to stay as it is now. */
static int note_state(struct history_file *f, size_t n_lines) {
    struct stat st;

    if (lstat(f->path, &st) < 0) {
        f->inode = 0;
        return errno == ENOENT ? 0 : -errno;
    }
    f->inode = st.st_ino;
    f->size = st.st_size;
    f->written = st.st_mtim;
    f->n_lines = n_lines;
    return 0;
}

int history_file_adopt(struct history_file *f, const struct chain_check *check) {
    if (check->verdict == CHAIN_TORN && truncate(f->path, (off_t)check->n_bytes) < 0)
        return -errno;
    return note_state(f, check->n_lines);
}

int history_file_set_aside(struct history_file *f, const struct chain_link *at) {
    f->inode = 0;
    if (rename(f->path, f->damaged_path) < 0 && errno != ENOENT)
        return -errno;
    return history_file_end(f, at);
}

bool history_file_has_damaged(const struct history_file *f) {
    return access(f->damaged_path, F_OK) == 0;
}

bool history_file_is_ours(const struct history_file *f) {
    struct stat st;

    return f->inode && lstat(f->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_ino == f->inode &&
           st.st_size == f->size && st.st_mtim.tv_sec == f->written.tv_sec &&
           st.st_mtim.tv_nsec == f->written.tv_nsec;
}

static int append(int fd, const char *lines, size_t size, off_t old_size) {
    ssize_t n = write(fd, lines, size);
    int r = n < 0 ? -errno : (size_t)n < size ? -ENOSPC : 0;

    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    if (r < 0 && ftruncate(fd, old_size) < 0)
        return -errno;
    return r;
}

int history_file_append(struct history_file *f, const char *lines, size_t size, size_t n) {
    _cleanup_(closep) int fd = open(f->path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
    int r;

    if (fd < 0)
        return -errno;
    r = append(fd, lines, size, f->size);
    (void)note_state(f, r < 0 ? f->n_lines : f->n_lines + n);
    return r;
}

int history_file_replace(struct history_file *f, const char *lines, size_t size, size_t n,
                         bool *ret_was_changed) {
    const struct chain_link begin = chain_begin(0);
    bool is_ours = history_file_is_ours(f);
    int r = 0;

    *ret_was_changed = f->inode && !is_ours;
    if (!is_ours && rename(f->path, f->damaged_path) < 0 && errno != ENOENT)
        return -errno;
    if (!is_ours)
        f->inode = 0;
    if (access(f->end_path, F_OK) < 0) /* lines without it would be a fault */
        r = history_file_end(f, &begin);
    if (r == 0)
        r = file_write_atomic(f->path, lines, size, 0600);
    if (r == 0)
        r = note_state(f, n);
    return r;
}
