/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/listening.h"

#include "daemon/cgroups.h"
#include "daemon/log.h"
#include "nft/sockdiag.h"

#include <errno.h>
#include <string.h>

/* A socket without its unit is worth as much to whoever asks. */
static int look(struct listeners *ret) {
    int r = sockdiag_listeners(ret), named;

    if (r < 0)
        return r;
    named = cgroups_name_units(ret);
    if (named < 0)
        log_warn("the units of sockets can't be told: %s", strerror(-named));
    return 0;
}

int listening_reply(struct manager *m, json_t **ret) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    struct listeners listeners = { 0 };
    struct listening found = { 0 };
    const struct audit *audit;
    int r = auditor_look(m->auditor, &audit);

    if (r == 0)
        r = kernel_read_counters(m->kernel, &have);
    if (r == 0)
        r = look(&listeners);
    if (r == 0)
        r = listening_find(m->enforced->intent, &listeners, audit, &found);
    if (r == 0) {
        *ret = json_pack("{s:o}", "services", listening_json(&found, have));
        r = *ret ? 0 : -ENOMEM;
    }
    listening_clear(&found);
    free(listeners.items);
    return r;
}
