/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading and loading are apart because the daemon loads its last-good snapshot from texts that
 * are in no file any more. Each step goes on behind a mistake and the report collects: an
 * administrator who fixes one file wants to know of the other, too. */
#include "files/files.h"

#include <errno.h>
#include <string.h>

#define DROP_INS "site.d"

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static void file_list_clear(struct file_list *l) {
    for (size_t i = 0; i < l->n; i++)
        file_clear(&l->items[i]);
    free(l->items);
    free(l->sources);
    *l = (struct file_list){ 0 };
}

struct files *files_free(struct files *f) {
    if (!f)
        return NULL;
    file_list_clear(&f->policies);
    file_list_clear(&f->site);
    free(f);
    return NULL;
}

/* Reads a file to the end of a list. FILE_E_REFUSED or FILE_E_ABSENT: the report has it. */
static int file_list_read(struct file_list *l, const char *path, size_t max,
                          struct report *reterr) {
    struct file *items = reallocarray(l->items, l->n + 1, sizeof(*items));
    struct file f;
    int r;

    if (!items)
        return -ENOMEM;
    l->items = items;
    r = file_read(path, max, &f, reterr);
    if (r == 0)
        l->items[l->n++] = f;
    else
        l->lacks_some = true;
    return r;
}

static int file_list_index(struct file_list *l) {
    l->sources = calloc(l->n + 1, sizeof(*l->sources));
    if (!l->sources)
        return -ENOMEM;
    for (size_t i = 0; i < l->n; i++)
        l->sources[i] = (struct source){ .file = l->items[i].path,
                                         .text = l->items[i].bytes,
                                         .size = l->items[i].size };
    return 0;
}

/* A policy that was found; `rank` counts its directory. */
struct found {
    char *path;
    size_t rank;
};

struct found_list {
    struct found *items;
    size_t n;
};

static void found_list_clear(struct found_list *l) {
    for (size_t i = 0; i < l->n; i++)
        free(l->items[i].path);
    free(l->items);
}

static int found_compare(const void *a, const void *b) {
    const struct found *x = a, *y = b;
    int r;

    r = strcmp(base_name(x->path), base_name(y->path));
    return r ? r : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Moves the paths out of their array. */
static int found_list_add(struct found_list *l, char **paths, size_t n, size_t rank) {
    struct found *items = reallocarray(l->items, l->n + n + 1, sizeof(*items));

    if (!items)
        return -ENOMEM;
    l->items = items;
    for (size_t i = 0; i < n; i++)
        items[l->n++] = (struct found){ .path = TAKE_PTR(paths[i]), .rank = rank };
    return 0;
}

/* Appends what a directory has. FILE_E_REFUSED: the report says why it can't be listed. */
static int found_list_scan(struct found_list *l, const char *dir, size_t rank,
                           struct report *reterr) {
    char **paths;
    size_t n;
    int r;

    r = directory_list_json(dir, &paths, &n, reterr);
    if (r != 0)
        return r;
    r = found_list_add(l, paths, n, rank);
    paths_free(paths);
    return r;
}

/* The sum of two steps: an error of ours ends both, else a mistake of either counts. */
static int either(int a, int b) {
    if (a < 0 || b < 0)
        return a < 0 ? a : b;
    return a > 0 || b > 0 ? FILES_E_INVALID : 0;
}

static bool is_overridden(const struct found_list *l, size_t i) {
    return i + 1 < l->n &&
           strcmp(base_name(l->items[i].path), base_name(l->items[i + 1].path)) == 0;
}

static int found_list_read(struct found_list *found, struct file_list *ret, size_t max,
                           struct report *reterr) {
    int r = 0;

    if (found->n > 0)
        qsort(found->items, found->n, sizeof(*found->items), found_compare);
    for (size_t i = 0; i < found->n && r >= 0; i++)
        if (!is_overridden(found, i))
            r = either(r, file_list_read(ret, found->items[i].path, max, reterr));
    return r;
}

static void report_no_policies(const char *const *dirs, size_t n, struct report *reterr) {
    for (size_t i = 0; i < n; i++)
        report_add(reterr, (struct place){ .file = dirs[i] },
                   "no policy (*.json) is here or in another policy directory: install the "
                   "shipped policies, or name a directory with --policy-dir");
}

static int read_policies(const char *const *dirs, size_t n_dirs, struct file_list *ret,
                         struct report *reterr) {
    _cleanup_(found_list_clear) struct found_list found = { 0 };
    int r = 0;

    for (size_t i = 0; i < n_dirs && r >= 0; i++)
        r = either(r, found_list_scan(&found, dirs[i], i, reterr));
    if (r == 0 && found.n == 0) {
        report_no_policies(dirs, n_dirs, reterr);
        ret->lacks_some = true;
        return FILES_E_INVALID;
    }
    ret->lacks_some = r > 0;
    return r < 0 ? r : either(r, found_list_read(&found, ret, POLICY_SIZE_MAX, reterr));
}

char *files_drop_in_dir(const char *site_path) {
    char *dir;

    if (asprintf(&dir, "%.*s%s", (int)(base_name(site_path) - site_path), site_path, DROP_INS) < 0)
        return NULL;
    return dir;
}

/* A site file that isn't there is the first thing that a new administrator meets. */
static int read_site_file(const char *path, struct file_list *ret, struct report *reterr) {
    struct report report = REPORT_INIT;
    int r;

    r = file_list_read(ret, path, SITE_SIZE_MAX, &report);
    if (r == FILE_E_ABSENT) {
        report_clear(&report);
        report_add(
            reterr, (struct place){ .file = path },
            "there is no site file: name one with --site, or begin one: portd-ctl init --help");
    }
    report_append(reterr, &report);
    return r;
}

static int read_site(const char *path, struct file_list *ret, struct report *reterr) {
    _cleanup_(found_list_clear) struct found_list found = { 0 };
    _cleanup_(freep) char *dir = files_drop_in_dir(path);
    int r;

    if (!dir)
        return -ENOMEM;
    r = read_site_file(path, ret, reterr);
    if (r != 0) /* drop-ins say nothing without what they are merged over */
        return r < 0 ? r : FILES_E_INVALID;
    r = found_list_scan(&found, dir, 0, reterr);
    ret->lacks_some = r > 0;
    return r < 0 ? r : either(r, found_list_read(&found, ret, SITE_SIZE_MAX, reterr));
}

int files_read(const char *site_path, const char *const *policy_dirs, size_t n_dirs,
               struct files **ret, struct report *reterr) {
    _cleanup_(files_freep) struct files *f = calloc(1, sizeof(*f));
    int r, k;

    if (!f)
        return -ENOMEM;
    r = read_policies(policy_dirs, n_dirs, &f->policies, reterr);
    if (r >= 0 && site_path)
        r = either(r, read_site(site_path, &f->site, reterr));
    if (r < 0)
        return r;
    k = either(file_list_index(&f->policies), file_list_index(&f->site));
    if (k < 0)
        return k;
    *ret = TAKE_PTR(f);
    return r;
}

static int file_list_copy(struct file_list *l, const struct source *sources, size_t n) {
    l->items = calloc(n + 1, sizeof(*l->items));
    if (!l->items)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        struct file *f = &l->items[l->n++];

        *f = (struct file){ .path = strdup(sources[i].file),
                            .bytes = malloc(sources[i].size + 1),
                            .size = sources[i].size };
        if (!f->path || !f->bytes)
            return -ENOMEM;
        memcpy(f->bytes, sources[i].text, f->size);
        f->bytes[f->size] = '\0';
    }
    return file_list_index(l);
}

int files_copy(const struct source *policies, size_t n_policies, const struct source *site,
               size_t n_site, struct files **ret) {
    _cleanup_(files_freep) struct files *f = calloc(1, sizeof(*f));

    if (!f || file_list_copy(&f->policies, policies, n_policies) < 0 ||
        file_list_copy(&f->site, site, n_site) < 0)
        return -ENOMEM;
    *ret = TAKE_PTR(f);
    return 0;
}

void files_exchange_policies(struct files *a, struct files *b) {
    struct file_list policies = a->policies;

    a->policies = b->policies;
    b->policies = policies;
}

void loaded_clear(struct loaded *l) {
    for (size_t i = 0; i < l->n_policies; i++)
        policy_free(l->policies[i]);
    free(l->policies);
    site_free(l->site);
    *l = (struct loaded){ 0 };
}

const struct policy *const *loaded_policies(const struct loaded *l) {
    return (const struct policy *const *)l->policies;
}

static int load_policies(const struct source *sources, size_t n, struct loaded *l,
                         struct report *reterr) {
    int r = 0;

    l->policies = calloc(n + 1, sizeof(*l->policies));
    if (!l->policies)
        return -ENOMEM;
    for (size_t i = 0; i < n && r >= 0; i++)
        r = either(r, policy_load(&sources[i], &l->policies[l->n_policies++], reterr));
    return r;
}

/* What is wrong with each text, in *reterr. Drafts may be among what was loaded, and NULL for
 * a policy of which nothing is known. */
static int load_all(const struct source *policies, size_t n_policies, const struct source *site,
                    size_t n_site, struct loaded *l, struct report *reterr) {
    int r;

    r = load_policies(policies, n_policies, l, reterr);
    if (r >= 0 && n_site > 0)
        r = either(r, site_load(site, n_site, &l->site, reterr));
    return r;
}

static int check_all(const struct loaded *l, struct report *reterr) {
    return l->site ? site_check(l->site, loaded_policies(l), l->n_policies, reterr) : 0;
}

int sources_load(const struct source *policies, size_t n_policies, const struct source *site,
                 size_t n_site, struct loaded *ret, struct report *reterr) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    int r;

    r = load_all(policies, n_policies, site, n_site, &l, reterr);
    if (r >= 0)
        r = either(r, check_all(&l, reterr));
    if (r != 0) {
        report_sort(reterr);
        return r;
    }
    *ret = l;
    l = (struct loaded){ 0 };
    return 0;
}

/* Tells the mistakes of the files that could be read, beside those that could not. A site without
 * one of its drop-ins is not checked: that may say what seems to be wrong. */
static int load_rest(const struct files *f, struct report *reterr) {
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    int r;

    r = load_all(f->policies.sources, f->policies.n, f->site.sources, f->site.n, &l, reterr);
    if (r >= 0 && f->policies.lacks_some)
        l.policies[l.n_policies++] = NULL; /* load_policies() left room */
    if (r >= 0 && !f->site.lacks_some)
        r = check_all(&l, reterr);
    report_sort(reterr);
    return r < 0 ? r : FILES_E_INVALID;
}

int files_load(const char *site_path, const char *const *policy_dirs, size_t n_dirs,
               struct files **ret_files, struct loaded *ret, struct report *reterr) {
    _cleanup_(files_freep) struct files *f = NULL;
    int r;

    r = files_read(site_path, policy_dirs, n_dirs, &f, reterr);
    if (r == FILES_E_INVALID)
        return load_rest(f, reterr);
    if (r < 0)
        return r;
    r = sources_load(f->policies.sources, f->policies.n, f->site.sources, f->site.n, ret, reterr);
    if (r == 0 && ret_files)
        *ret_files = TAKE_PTR(f);
    return r;
}
