/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The loop that closes the circle: nothing counts as applied that was not read back and compared.
 * The last round of each reconcile is therefore one that finds no difference. */
#include "daemon/reconcile.h"

#include "daemon/clock.h"
#include "engine/text.h"

#include <errno.h>

/* Rounds in which somebody else may get between our read and our write. */
#define ROUNDS_MAX 8
/* For how long others may be in our way: nobody else is served meanwhile. What was written is
 * read back all the same. */
#define ROUNDS_USEC ((uint64_t)250 * 1000)

void reconciled_clear(struct reconciled *r) {
    r->lines = lines_free(r->lines);
    *r = (struct reconciled){ 0 };
}

/* One round: 0 when HAVE equals WANT, else what kernel_apply() said of the difference, and
 * ROUND_APPLIED when it was taken. */
enum { ROUND_APPLIED = 100 };

static int round_apply(struct kernel *k, const struct plan *plan, uint32_t generation,
                       bool is_drift, struct reconciled *done, struct report *reterr) {
    uint32_t after;
    int r;

    r = kernel_apply(k, plan, generation, &after, reterr);
    if (r != 0)
        return r;
    if (done->n_commits++ == 0) {
        done->applied_usec = clock_monotonic();
        done->lines = plan_lines(plan, is_drift, &done->n_lines);
        if (!done->lines)
            return -ENOMEM;
    }
    return ROUND_APPLIED;
}

static bool is_held_by_stranger(const struct kernel *k, const struct ruleset *have) {
    return have->flags & TABLE_OWNER && have->owner && have->owner != kernel_port_id(k);
}

static int round_run(struct kernel *k, const struct ruleset *want, bool is_drift,
                     struct reconciled *done, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    int r;

    r = kernel_read(k, &have, &done->generation);
    if (r != 0)
        return r;
    if (is_held_by_stranger(k, have))
        return RECONCILE_E_HOSTILE;
    r = ruleset_diff(want, have, &plan);
    if (r < 0)
        return r;
    if (plan_is_empty(plan))
        return 0;
    return round_apply(k, plan, done->generation, is_drift, done, reterr);
}

/* To read a whole table takes longer than all else. What comes of this round is no matter: the
 * next one reads it whole and finds out. */
static void round_quick(struct kernel *k, const struct ruleset *want, const struct scope *drift,
                        struct reconciled *done) {
    _cleanup_(ruleset_freep) struct ruleset *have = NULL;
    _cleanup_(plan_freep) struct plan *plan = NULL;
    struct report ignored = REPORT_INIT;
    uint32_t generation;

    if (kernel_read_part(k, drift, &have, &generation) == 0 && !is_held_by_stranger(k, have) &&
        scope_fill(drift, have, want) && ruleset_diff(want, have, &plan) == 0 &&
        !plan_is_empty(plan) && plan_has_handles(plan))
        (void)round_apply(k, plan, generation, true, done, &ignored);
    report_clear(&ignored);
}

int reconcile(struct kernel *k, const struct ruleset *want, const struct scope *drift,
              struct reconciled *ret, struct report *reterr) {
    uint64_t end = clock_monotonic() + ROUNDS_USEC;
    struct reconciled done = { 0 };
    int r = RECONCILE_E_CONTESTED;
    bool is_outrun = false;

    if (drift && !drift->is_all)
        round_quick(k, want, drift, &done);
    for (int i = 0; i < ROUNDS_MAX && !is_outrun; i++) {
        r = round_run(k, want, drift != NULL, &done, reterr);
        if (r != ROUND_APPLIED && r != KERNEL_E_STALE && r != KERNEL_E_UNKNOWN)
            break;
        is_outrun = r != ROUND_APPLIED && clock_monotonic() >= end;
        r = RECONCILE_E_CONTESTED;
    }
    *ret = done;
    return r;
}

int reconcile_none(struct kernel *k, struct reconciled *ret, struct report *reterr) {
    _cleanup_(ruleset_freep) struct ruleset *none = ruleset_new();
    int r = none ? ruleset_index(none) : -ENOMEM;

    return r < 0 ? r : reconcile(k, none, NULL, ret, reterr);
}

bool reconcile_is_outrun(int r) {
    return r == RECONCILE_E_CONTESTED || r == -EAGAIN;
}
