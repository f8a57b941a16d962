/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host.h"

#include "engine/intent.h"
#include "files/files.h"

static int compile(const struct loaded *loaded, const char *host, struct ruleset **ret,
                   struct report *reterr) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    int r;

    r = intent_resolve(loaded_policies(loaded), loaded->n_policies, loaded->site, &host, 1, &intent,
                       reterr);
    return r == 0 ? policy_compile(intent, NULL, ret) : r;
}

int host_ruleset(const char *site, const char *policy_dir, const char *host, struct ruleset **ret,
                 struct report *reterr) {
    struct loaded loaded = { 0 };
    int r;

    r = files_load(site, &policy_dir, 1, NULL, &loaded, reterr);
    if (r == 0)
        r = compile(&loaded, host, ret, reterr);
    loaded_clear(&loaded);
    return r;
}
