/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The id of a group is the number of its directory's inode; the kernel opens one by its id
 * (open_by_handle_at(2)) only for whoever may read every file, so the directories are read. */
#include "daemon/cgroups.h"

#include "base/macros.h"
#include "daemon/process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>

struct walk {
    cgroup_each each;
    void *userdata;
    size_t n;
    bool is_over;
    char path[4096];
};

static int open_at(int fd, const char *name) {
    return openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int walk_group(struct walk *w, int fd, unsigned depth);

/* A group that ends meanwhile is none any more, and one may be closed to us. */
static int walk_child(struct walk *w, int parent, const struct dirent *entry, unsigned depth) {
    size_t n = strlen(w->path);
    int fd, r = 0;

    if (w->n++ >= CGROUPS_MAX || n + strlen(entry->d_name) + 2 > sizeof(w->path))
        return 0;
    fd = open_at(parent, entry->d_name);
    if (fd < 0)
        return errno == ENOENT || errno == ENODEV || errno == EACCES ? 0 : -errno;
    snprintf(w->path + n, sizeof(w->path) - n, "/%s", entry->d_name);
    w->is_over = !w->each(entry->d_ino, w->path, fd, w->userdata);
    if (!w->is_over && depth < CGROUPS_DEPTH)
        r = walk_group(w, TAKE_FD(fd), depth + 1);
    w->path[n] = '\0';
    fd_close(fd);
    return r;
}

/* Takes `fd`. */
static int walk_group(struct walk *w, int fd, unsigned depth) {
    DIR *dir = fdopendir(fd);
    const struct dirent *entry;
    int r = 0;

    if (!dir) {
        r = -errno;
        fd_close(fd);
        return r;
    }
    while (r == 0 && !w->is_over && (entry = readdir(dir)))
        if (entry->d_type == DT_DIR && strcmp(entry->d_name, ".") != 0 &&
            strcmp(entry->d_name, "..") != 0)
            r = walk_child(w, fd, entry, depth);
    closedir(dir);
    return r;
}

/* Where version 1 is in use, too, systemd has the other one beside it. */
static int root_open(void) {
    static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
    struct statfs fs;

    for (size_t i = 0; i < ARRAY_SIZE(roots); i++) {
        int fd = open_at(AT_FDCWD, roots[i]);

        if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC)
            return fd;
        fd_close(fd);
    }
    return -1;
}

int cgroups_walk(cgroup_each each, void *userdata) {
    struct walk w = { .each = each, .userdata = userdata };
    int root = root_open();

    return root < 0 ? 0 : walk_group(&w, root, 1);
}

/* --- units --- */

struct naming {
    struct listener **by_cgroup; /* those that have one */
    size_t n, n_named;
};

static int by_cgroup(const void *left, const void *right) {
    const struct listener *a = *(struct listener *const *)left;
    const struct listener *b = *(struct listener *const *)right;

    return a->cgroup < b->cgroup ? -1 : a->cgroup > b->cgroup;
}

static size_t first_of(const struct naming *n, uint64_t id) {
    size_t lo = 0, hi = n->n;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;

        if (n->by_cgroup[middle]->cgroup < id)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo;
}

static bool on_group(uint64_t id, const char *path, int fd _unused_, void *userdata) {
    char unit[PROCESS_UNIT_MAX];
    struct naming *naming = userdata;

    static_assert(LISTENER_UNIT_MAX >= PROCESS_UNIT_MAX, "a unit doesn't fit");
    for (size_t i = first_of(naming, id); i < naming->n && naming->by_cgroup[i]->cgroup == id;
         i++) {
        process_unit_parse(path, unit);
        process_text(unit, naming->by_cgroup[i]->unit, LISTENER_UNIT_MAX);
        naming->n_named++;
    }
    return naming->n_named < naming->n;
}

int cgroups_name_units(struct listeners *l) {
    _cleanup_(freep) void *items = calloc(l->n + 1, sizeof(struct listener *));
    struct naming naming = { .by_cgroup = items };

    if (!items)
        return -ENOMEM;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].cgroup)
            naming.by_cgroup[naming.n++] = &l->items[i];
    qsort(naming.by_cgroup, naming.n, sizeof(*naming.by_cgroup), by_cgroup);
    return naming.n ? cgroups_walk(on_group, &naming) : 0;
}
