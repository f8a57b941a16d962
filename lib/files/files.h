/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_FILES_FILES_H
#define PORTD_FILES_FILES_H

#include "base/file.h"
#include "base/report.h"
#include "engine/policy.h"

/* The input of daemon and client: a site file with the drop-ins of site.d/ beside it, and the
 * policies of some directories, of which a later one overrides an earlier one file by file. */

/* Where they are unless told otherwise; the policy directories in the order of overriding. */
#define FILES_SITE "/etc/portd/site.json"
#define FILES_POLICY_DIRS                                                                          \
    { "/usr/share/portd/policy", "/etc/portd/policy" }

/* The directory of a site file's drop-ins, malloc'ed; NULL when memory is out. */
char *files_drop_in_dir(const char *site_path);

/* Texts of one kind in the order of loading. sources[i] borrows from items[i]. */
struct file_list {
    struct file *items;
    struct source *sources;
    size_t n;
    bool lacks_some; /* there are more, but they could not be read */
};

struct files {
    struct file_list policies; /* sorted by the name of the file */
    struct file_list site;     /* the site file, then its drop-ins by name; empty: not asked for */
};

struct files *files_free(struct files *f);
DEFINE_CLEANUP(struct files *, files_free);

/* Copies texts that are in no file any more. 0 or -ENOMEM. */
int files_copy(const struct source *policies, size_t n_policies, const struct source *site,
               size_t n_site, struct files **ret);
/* Each gets the other's policies. */
void files_exchange_policies(struct files *a, struct files *b);

/* What the texts mean, checked against each other. */
struct loaded {
    struct policy **policies;
    size_t n_policies;
    struct site *site; /* NULL when there was no site source */
};

void loaded_clear(struct loaded *l);
/* The policies as the engine takes them. */
const struct policy *const *loaded_policies(const struct loaded *l);

/* Mistakes of files, all of them in *reterr, sorted. */
enum { FILES_E_INVALID = 1 };

/* Reads the texts. `site_path` NULL: policies only. With FILES_E_INVALID *ret holds those that
 * could be read, so that sources_load() can tell their mistakes as well. Negative: ours. */
int files_read(const char *site_path, const char *const *policy_dirs, size_t n_dirs,
               struct files **ret, struct report *reterr);

/* Loads texts, wherever they come from, and checks the site against the policies, also where some
 * of them have mistakes by themselves: every mistake is told at once. */
int sources_load(const struct source *policies, size_t n_policies, const struct source *site,
                 size_t n_site, struct loaded *ret, struct report *reterr);

/* Both: every mistake of every file, or *ret and the texts it came from (`ret_files` may be
 * NULL). */
int files_load(const char *site_path, const char *const *policy_dirs, size_t n_dirs,
               struct files **ret_files, struct loaded *ret, struct report *reterr);

#endif
