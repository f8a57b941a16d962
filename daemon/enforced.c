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

int enforced_from_sources(const struct source *policies, size_t n_policies,
                          const struct source *site, size_t n_site, const char *host,
                          struct enforced **ret, struct report *reterr) {
    struct loaded loaded = { 0 };
    int r = sources_load(policies, n_policies, site, n_site, &loaded, reterr);

    if (r == FILES_E_INVALID)
        return ENFORCED_E_INVALID;
    if (r < 0)
        return r;
    r = enforced_make(&loaded, host, ret, reterr);
    loaded_clear(&loaded);
    return r;
}

int enforced_load(const struct input *input, struct enforced **ret, struct report *reterr) {
    _cleanup_(files_freep) struct files *files = NULL;
    struct loaded loaded = { 0 };
    int r =
        files_load(input->site, input->policy_dirs, input->n_policy_dirs, &files, &loaded, reterr);

    if (r == FILES_E_INVALID)
        return ENFORCED_E_INVALID;
    if (r < 0)
        return r;
    r = enforced_make(&loaded, input->host, ret, reterr);
    loaded_clear(&loaded);
    if (r == 0)
        (*ret)->files = TAKE_PTR(files);
    return r;
}
