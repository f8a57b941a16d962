/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_FILES_STAMPS_H
#define PORTD_FILES_STAMPS_H

#include "files/files.h"

/* What files say, in short: enough to tell later whether they say something else. */

#define STAMP_DIGEST_SIZE 65 /* SHA-256, hexadecimal */

struct stamp {
    char *path;
    char digest[STAMP_DIGEST_SIZE];
};

struct stamp_list {
    struct stamp *items;
    size_t n;
};

struct stamps {
    struct stamp_list policies, site;
};

void stamps_clear(struct stamps *s);
/* 0 or -ENOMEM. */
int stamps_take(const struct files *f, struct stamps *ret);

/* A line for each file that `now` has changed, has more or has not: "/etc/portd/site.json changed".
 * `*ret` is NULL-terminated, to be freed with its strings; empty: nothing did. 0 or -ENOMEM. */
int stamps_compare(const struct stamps *then, const struct stamps *now, char ***ret, size_t *ret_n);

#endif
