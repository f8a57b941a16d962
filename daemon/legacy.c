/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/legacy.h"

#include <errno.h>
#include <fcntl.h>

static const char *const paths[] = {
    [FAMILY_IPV4] = "/proc/self/net/ip_tables_names",
    [FAMILY_IPV6] = "/proc/self/net/ip6_tables_names",
};
static_assert(ARRAY_SIZE(paths) == FAMILY_MAX, "a family has no file");

void legacy_open(struct legacy *ret) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        ret->fds[f] = open(paths[f], O_RDONLY | O_CLOEXEC);
}

void legacy_close(struct legacy *l) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        l->fds[f] = fd_close(l->fds[f]);
}

/* From the beginning. */
static ssize_t read_text(int fd, char ret[static LEGACY_TEXT_MAX]) {
    ssize_t n = pread(fd, ret, LEGACY_TEXT_MAX - 1, 0);

    ret[n > 0 ? n : 0] = '\0';
    return n;
}

/* A kernel without x_tables, or one that has not loaded it yet, has no such file. */
void legacy_read(const struct legacy *l, struct legacy_names *ret) {
    memset(ret, 0, sizeof(*ret));
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        _cleanup_(closep) int fd = -1;

        if (l->fds[f] >= 0) {
            ret->is_unknown |= read_text(l->fds[f], ret->texts[f]) < 0;
            continue;
        }
        fd = open(paths[f], O_RDONLY | O_CLOEXEC);
        if (fd >= 0)
            ret->is_unknown |= read_text(fd, ret->texts[f]) < 0;
        else
            ret->is_unknown |= errno != ENOENT;
    }
}

int legacy_tell(const struct legacy_names *names, struct foreign *f) {
    f->legacy_unknown = names->is_unknown;
    for (enum family family = 0; family < FAMILY_MAX; family++) {
        const char *at = names->texts[family];

        for (size_t n; *at != '\0'; at += n + (at[n] != '\0')) {
            struct foreign_legacy *slot;

            n = strcspn(at, "\n");
            if (n == 0)
                continue;
            slot = ARENA_APPEND(f->arena, f->legacy, f->n_legacy);
            if (!slot)
                return -ENOMEM;
            slot->family = family;
            slot->name = arena_strndup(f->arena, at, n);
            if (!slot->name)
                return -ENOMEM;
        }
    }
    return 0;
}
