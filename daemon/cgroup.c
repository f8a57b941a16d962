/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Breadth first: units are near the root, and what is deep belongs to containers. */
#include "daemon/cgroup.h"

#include "base/arena.h"
#include "daemon/clock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The hierarchy of systemd below the mount: the only one; beside older ones; an older one itself.
 * What lists threads lists processes as well, and the kernel names the thread that did it. */
static const struct hierarchy {
    const char *path, *list;
} hierarchies[] = {
    { ".", "cgroup.threads" },
    { "unified", "cgroup.threads" },
    { "systemd", "tasks" },
};
#define HIERARCHIES_WITH_IDS 2U /* the first of them: sockets belong to groups of these */

struct walk {
    struct arena *arena;
    int root;           /* descriptor of the hierarchy */
    const char *list;   /* the file in each directory that names its threads */
    const char **paths; /* known directories, each with a '/' before it; "" is the root */
    size_t n;
    /* Whether a directory is the one that is looked for. */
    bool (*is_it)(const struct walk *w, const char *path, int fd);
    pid_t pid;
    cgroup_each each;
    void *userdata;
};

/* Its descriptor, or -1. Of the first `n` kinds of hierarchies. */
static int root_open(const char *mount, size_t n, const char **ret_list) {
    for (size_t i = 0; i < n; i++) {
        const struct hierarchy *h = &hierarchies[i];
        char path[CGROUP_PATH_MAX];
        int fd;

        if (snprintf(path, sizeof(path), "%s/%s", mount, h->path) >= (int)sizeof(path))
            continue;
        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd >= 0 && faccessat(fd, h->list, R_OK, 0) == 0) {
            *ret_list = h->list;
            return fd;
        }
        fd_close(fd);
    }
    return -1;
}

static bool holds_pid(const struct walk *w, const char *path _unused_, int directory) {
    int fd = openat(directory, w->list, O_RDONLY | O_CLOEXEC);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "re");
    bool found = false;
    int member;

    if (!f) {
        fd_close(fd);
        return false;
    }
    while (!found && fscanf(f, "%d", &member) == 1)
        found = member == w->pid;
    (void)fclose(f);
    return found;
}

static bool is_told(const struct walk *w, const char *path, int directory) {
    struct stat st;

    return fstat(directory, &st) == 0 && !w->each(st.st_ino, *path ? path : "/", w->userdata);
}

/* The directories in one; takes the descriptor. */
static void walk_add_below(struct walk *w, const char *path, int directory) {
    DIR *d = fdopendir(directory);
    const struct dirent *e;

    if (!d) {
        fd_close(directory);
        return;
    }
    while (w->n < CGROUP_DIRECTORIES_MAX && (e = readdir(d))) {
        const char **slot;

        if (e->d_type != DT_DIR || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        slot = ARENA_APPEND(w->arena, w->paths, w->n);
        if (!slot)
            break;
        *slot = arena_printf(w->arena, "%s/%s", path, e->d_name);
        if (!*slot) {
            w->n--;
            break;
        }
    }
    closedir(d);
}

/* Whether this directory is it; otherwise those in it are to be looked at, too. */
static bool walk_look(struct walk *w, const char *path) {
    int fd = openat(w->root, *path ? path + 1 : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return false; /* removed meanwhile */
    if (w->is_it(w, path, fd)) {
        close(fd);
        return true;
    }
    walk_add_below(w, path, fd);
    return false;
}

/* The directory that is looked for, in the walk's arena; NULL: it was not found. */
static const char *walk_run(struct walk *w, const char *mount, size_t n_hierarchies,
                            uint64_t until_usec) {
    _cleanup_(closep) int root = w->root = root_open(mount, n_hierarchies, &w->list);
    const char **first = w->arena && root >= 0 ? ARENA_APPEND(w->arena, w->paths, w->n) : NULL;

    if (!first)
        return NULL;
    *first = "";
    for (size_t i = 0; i < w->n && clock_monotonic() < until_usec; i++)
        if (walk_look(w, w->paths[i]))
            return w->paths[i];
    return NULL;
}

bool cgroup_find(const char *mount, pid_t pid, uint64_t until_usec,
                 char ret[static CGROUP_PATH_MAX]) {
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct walk w = { .arena = arena, .is_it = holds_pid, .pid = pid };
    const char *path = walk_run(&w, mount, ARRAY_SIZE(hierarchies), until_usec);

    return path && snprintf(ret, CGROUP_PATH_MAX, "%s", *path ? path : "/") < CGROUP_PATH_MAX;
}

void cgroup_walk(const char *mount, uint64_t until_usec, cgroup_each each, void *userdata) {
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct walk w = { .arena = arena, .is_it = is_told, .each = each, .userdata = userdata };

    (void)walk_run(&w, mount, HIERARCHIES_WITH_IDS, until_usec);
}

bool cgroup_login_uid(const char *path, uid_t *ret) {
    char digits[11];
    unsigned long long uid;
    int n = 0;

    if (sscanf(path, "/user.slice/user-%10[0-9].slice%n", digits, &n) != 1 || n == 0 ||
        (path[n] != '/' && path[n] != '\0'))
        return false;
    uid = strtoull(digits, NULL, 10);
    if (uid >= (uid_t)-1) /* which is: no user */
        return false;
    *ret = (uid_t)uid;
    return true;
}
