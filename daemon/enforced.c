/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts -> policies and site -> intent -> ruleset: the way in, walked at start, at each reload and
 * for the last good snapshot alike. */
#include "daemon/enforced.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

struct enforced *enforced_free(struct enforced *e) {
    if (!e)
        return NULL;
    intent_free(e->intent);
    ruleset_free(e->rules);
    stamps_clear(&e->stamps);
    files_free(e->files);
    free(e);
    return NULL;
}

static int resolve(const struct loaded *loaded, const char *host, struct intent **ret,
                   struct report *reterr) {
    struct utsname uts;
    char brief[sizeof(uts.nodename)];
    const char *names[] = { host, NULL };
    size_t n = 1;

    if (!host) {
        if (uname(&uts) < 0)
            return -errno;
        snprintf(brief, sizeof(brief), "%.*s", (int)strcspn(uts.nodename, "."), uts.nodename);
        names[0] = uts.nodename;
        names[1] = brief;
        n = strcmp(uts.nodename, brief) == 0 ? 1 : 2;
    }
    return intent_resolve(loaded_policies(loaded), loaded->n_policies, loaded->site, names, n, ret,
                          reterr);
}

static int enforced_make(const struct loaded *loaded, const char *host, struct enforced **ret,
                         struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *e = calloc(1, sizeof(*e));
    int r;

    if (!e)
        return -ENOMEM;
    r = resolve(loaded, host, &e->intent, reterr);
    if (r == RESOLVE_E_NO_HOST)
        return ENFORCED_E_INVALID;
    if (r < 0)
        return r;
    r = policy_compile(e->intent, NULL, &e->rules);
    if (r < 0)
        return r;
    r = ruleset_digest(e->rules, e->digest);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(e);
    return 0;
}

/* What both ways in end with: `loaded` is of `*files`. */
static int enforced_finish(struct files **files, const struct loaded *loaded, const char *host,
                           struct enforced **ret, struct report *reterr) {
    _cleanup_(enforced_freep) struct enforced *e = NULL;
    int r = enforced_make(loaded, host, &e, reterr);

    if (r == 0)
        r = stamps_take(*files, &e->stamps);
    if (r != 0)
        return r;
    e->files = TAKE_PTR(*files);
    *ret = TAKE_PTR(e);
    return 0;
}

int enforced_from_files(struct files **files, const char *host, struct enforced **ret,
                        struct report *reterr) {
    const struct file_list *policies = &(*files)->policies, *site = &(*files)->site;
    _cleanup_(loaded_clear) struct loaded loaded = { 0 };
    int r = sources_load(policies->sources, policies->n, site->sources, site->n, &loaded, reterr);

    if (r != 0)
        return r == FILES_E_INVALID ? ENFORCED_E_INVALID : r;
    return enforced_finish(files, &loaded, host, ret, reterr);
}

int enforced_load(const struct input *input, struct enforced **ret, struct report *reterr) {
    _cleanup_(files_freep) struct files *files = NULL;
    _cleanup_(loaded_clear) struct loaded loaded = { 0 };
    int r =
        files_load(input->site, input->policy_dirs, input->n_policy_dirs, &files, &loaded, reterr);

    if (r != 0)
        return r == FILES_E_INVALID ? ENFORCED_E_INVALID : r;
    return enforced_finish(&files, &loaded, input->host, ret, reterr);
}
