/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel tells of a socket the id of the control group that opened it, which is the number of
 * the inode of the group's directory. It opens one by its id (open_by_handle_at(2)) only for
 * whoever may read every file, so the directories are looked through. */
#include "daemon/listening.h"

#include "daemon/cgroup.h"
#include "daemon/clock.h"
#include "daemon/process.h"
#include "nft/sockdiag.h"

#include <errno.h>
#include <stdlib.h>

#define CGROUP_USEC ((uint64_t)100 * 1000) /* for looking them through */

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

static bool on_group(uint64_t id, const char *path, void *userdata) {
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

/* A socket without its unit is worth as much to whoever asks. */
static void name_units(struct listeners *l) {
    _cleanup_(freep) void *items = calloc(l->n + 1, sizeof(struct listener *));
    struct naming naming = { .by_cgroup = items };

    if (!items)
        return;
    for (size_t i = 0; i < l->n; i++)
        if (l->items[i].cgroup)
            naming.by_cgroup[naming.n++] = &l->items[i];
    qsort(naming.by_cgroup, naming.n, sizeof(*naming.by_cgroup), by_cgroup);
    if (naming.n > 0)
        cgroup_walk(CGROUP_MOUNT, clock_monotonic() + CGROUP_USEC, on_group, &naming);
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
        r = sockdiag_listeners(&listeners);
    if (r == 0) {
        name_units(&listeners);
        r = listening_find(m->enforced->intent, &listeners, audit, &found);
    }
    if (r == 0) {
        *ret = json_pack("{s:o}", "services", listening_json(&found, have));
        r = *ret ? 0 : -ENOMEM;
    }
    listening_clear(&found);
    free(listeners.items);
    return r;
}
