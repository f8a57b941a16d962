/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "files/stamps.h"

#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <string.h>

static void stamp_list_clear(struct stamp_list *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i].path);
    free(l->items);
    *l = (struct stamp_list){ 0 };
}

void stamps_clear(struct stamps *s) {
    stamp_list_clear(&s->policies);
    stamp_list_clear(&s->site);
}

static int stamp_list_take(const struct file_list *files, struct stamp_list *l) {
    l->items = calloc(files->n + 1, sizeof(*l->items));
    if (!l->items)
        return -ENOMEM;
    for (size_t i = 0; i < files->n; i++) {
        const struct source *source = &files->sources[i];
        SHA2_CTX ctx;

        l->items[i].path = strdup(source->file);
        if (!l->items[i].path)
            return -ENOMEM;
        l->n++;
        SHA256Init(&ctx);
        SHA256Update(&ctx, (const uint8_t *)source->text, source->size);
        SHA256End(&ctx, l->items[i].digest);
    }
    return 0;
}

int stamps_take(const struct files *f, struct stamps *ret) {
    struct stamps s = { 0 };
    int r = stamp_list_take(&f->policies, &s.policies);

    if (r == 0)
        r = stamp_list_take(&f->site, &s.site);
    if (r < 0)
        stamps_clear(&s);
    else
        *ret = s;
    return r;
}

struct lines {
    char **items;
    size_t n;
};

static void lines_clear(struct lines *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i]);
    free(l->items);
}

static int lines_add(struct lines *l, const char *path, const char *what) {
    char **items = reallocarray(l->items, l->n + 2, sizeof(*items));

    if (!items)
        return -ENOMEM;
    l->items = items;
    if (asprintf(&items[l->n], "%s %s", path, what) < 0) {
        items[l->n] = NULL;
        return -ENOMEM;
    }
    items[++l->n] = NULL;
    return 0;
}

static const struct stamp *find(const struct stamp_list *l, const char *path) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->items[i].path, path) == 0)
            return &l->items[i];
    return NULL;
}

static int compare(const struct stamp_list *then, const struct stamp_list *now, struct lines *l) {
    int r = 0;

    for (size_t i = 0; i < now->n && r == 0; i++) {
        const struct stamp *old = find(then, now->items[i].path);

        if (!old)
            r = lines_add(l, now->items[i].path, "was added");
        else if (strcmp(old->digest, now->items[i].digest) != 0)
            r = lines_add(l, now->items[i].path, "changed");
    }
    for (size_t i = 0; i < then->n && r == 0; i++)
        if (!find(now, then->items[i].path))
            r = lines_add(l, then->items[i].path, "was removed or overridden");
    return r;
}

int stamps_compare(const struct stamps *then, const struct stamps *now, char ***ret,
                   size_t *ret_n) {
    _cleanup_(lines_clear) struct lines l = { 0 };
    int r = compare(&then->site, &now->site, &l);

    if (r == 0)
        r = compare(&then->policies, &now->policies, &l);
    if (r < 0)
        return r;
    *ret = l.items ? l.items : calloc(1, sizeof(char *));
    *ret_n = l.n;
    l = (struct lines){ 0 };
    return *ret ? 0 : -ENOMEM;
}
