/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of portd's work, each by itself, as medians:
 *
 *   bench_phases ROUNDS SITE POLICY-DIR HOST OTHER-SITE NFT-FILE
 *
 * Each round: SITE into a network namespace that has nothing, then OTHER-SITE over it; and
 * NFT-FILE, which has the rules of SITE, by `nft -f` into another. */
#include "bench.h"

#include "engine/intent.h"
#include "files/files.h"
#include "nft/kernel.h"

#include <sched.h>

enum phase {
    PHASE_LOAD,
    PHASE_COMPILE,
    PHASE_OPEN,
    PHASE_READ,
    PHASE_DIFF,
    PHASE_APPLY,
    PHASE_VERIFY,
    PHASE_TOTAL,
    PHASE_MAX,
};

static const char *const phase_names[] = {
    [PHASE_LOAD] = "load and check the files",
    [PHASE_COMPILE] = "resolve and compile",
    [PHASE_OPEN] = "open the kernel",
    [PHASE_READ] = "read",
    [PHASE_DIFF] = "diff",
    [PHASE_APPLY] = "apply",
    [PHASE_VERIFY] = "read back and compare",
    [PHASE_TOTAL] = "all",
};
static_assert(ARRAY_SIZE(phase_names) == PHASE_MAX, "a phase has no name");

struct work {
    const char *site, *policies, *host;
    struct kernel *kernel;
    struct report report;
    uint64_t mark;
};

static uint64_t lap(struct work *w) {
    uint64_t now = bench_usec(), passed = now - w->mark;

    w->mark = now;
    return passed;
}

static struct ruleset *compile(struct work *w, uint64_t usec[static PHASE_MAX]) {
    struct loaded loaded = { 0 };
    struct intent *intent;
    struct ruleset *want;

    bench_must(files_load(w->site, &w->policies, 1, NULL, &loaded, &w->report), w->site,
               &w->report);
    usec[PHASE_LOAD] = lap(w);
    bench_must(intent_resolve(loaded_policies(&loaded), loaded.n_policies, loaded.site, &w->host, 1,
                              &intent, &w->report),
               w->host, &w->report);
    bench_must(policy_compile(intent, NULL, &want), "compile", NULL);
    intent_free(intent);
    loaded_clear(&loaded);
    usec[PHASE_COMPILE] = lap(w);
    return want;
}

/* Whether there was a difference, which is no longer there. */
static bool settle(struct work *w, const struct ruleset *want, uint64_t *read_usec,
                   uint64_t *diff_usec, uint64_t *apply_usec) {
    struct ruleset *have;
    struct plan *plan;
    uint32_t generation;
    bool differs;

    bench_must(kernel_read(w->kernel, &have, &generation), "read", NULL);
    *read_usec = lap(w);
    bench_must(ruleset_diff(want, have, &plan), "diff", NULL);
    *diff_usec = lap(w);
    bench_must(kernel_apply(w->kernel, plan, generation, &generation, &w->report), "apply",
               &w->report);
    *apply_usec = lap(w);
    differs = !plan_is_empty(plan);
    plan_free(plan);
    ruleset_free(have);
    return differs;
}

static void run(struct work *w, uint64_t usec[static PHASE_MAX]) {
    struct ruleset *want;
    uint64_t start = w->mark = bench_usec(), none;
    bool differs;

    want = compile(w, usec);
    if (!w->kernel)
        bench_must(kernel_open(-1, &w->kernel, &w->report), "open", &w->report);
    usec[PHASE_OPEN] = lap(w);
    differs = settle(w, want, &usec[PHASE_READ], &usec[PHASE_DIFF], &usec[PHASE_APPLY]);
    bench_must(differs ? 0 : -EALREADY, w->site, NULL);
    differs = settle(w, want, &usec[PHASE_VERIFY], &none, &none);
    bench_must(differs ? -EIO : 0, "compare", NULL);
    usec[PHASE_VERIFY] += none;
    ruleset_free(want);
    usec[PHASE_TOTAL] = bench_usec() - start;
}

static void print(const char *title, uint64_t *samples, size_t rounds) {
    printf("  %s\n", title);
    for (size_t i = 0; i < PHASE_MAX; i++)
        printf("    %-32s %9.3f ms\n", phase_names[i],
               (double)bench_median(&samples[i * rounds], rounds) / 1000);
}

int main(int argc, char **argv) {
    uint64_t *first, *change, *nft, usec[PHASE_MAX];
    char command[512];
    size_t rounds;

    if (argc != 7) {
        fprintf(stderr, "usage: %s ROUNDS SITE POLICY-DIR HOST OTHER-SITE NFT-FILE\n", argv[0]);
        return 2;
    }
    rounds = bench_rounds(argv[1]);
    first = calloc(rounds * PHASE_MAX, sizeof(*first));
    change = calloc(rounds * PHASE_MAX, sizeof(*change));
    nft = calloc(rounds, sizeof(*nft));
    snprintf(command, sizeof(command), "nft -f %s", argv[6]);
    for (size_t i = 0; i < rounds; i++) {
        struct work w = { .site = argv[2], .policies = argv[3], .host = argv[4] };

        bench_must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "network namespace", NULL);
        run(&w, usec);
        for (size_t j = 0; j < PHASE_MAX; j++)
            first[j * rounds + i] = usec[j];
        w.site = argv[5];
        run(&w, usec);
        for (size_t j = 0; j < PHASE_MAX; j++)
            change[j * rounds + i] = usec[j];
        kernel_free(w.kernel);
        bench_must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "network namespace", NULL);
        nft[i] = bench_run(command);
    }
    print("first time, in one process:", first, rounds);
    print("one address more, in the same process:", change, rounds);
    printf("  the first apply alone, to nft -f:   %9.3f ms        ratio %.3f\n",
           (double)bench_median(nft, rounds) / 1000,
           (double)bench_median(&first[PHASE_APPLY * rounds], rounds) /
               (double)bench_median(nft, rounds));
    free(first);
    free(change);
    free(nft);
    return 0;
}
