/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Commands in turn, each time in a network namespace of its own, from fork to exit:
 *
 *   bench_race ROUNDS [--before COMMAND] NAME COMMAND [NAME COMMAND…]
 *
 * Commands are split at spaces. `--before` runs in each namespace first and is not counted. Prints
 * the median, the fastest, and the median's ratio to the last command's. */
#include "bench.h"

#include <sched.h>

#define RACERS_MAX 8U

struct racer {
    const char *name, *command;
    uint64_t *samples;
};

static void race(struct racer *racers, size_t n, size_t rounds, const char *before) {
    for (size_t i = 0; i < rounds; i++)
        for (size_t j = 0; j < n; j++) {
            bench_must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "network namespace", NULL);
            if (before)
                bench_run(before);
            racers[j].samples[i] = bench_run(racers[j].command);
        }
}

int main(int argc, char **argv) {
    struct racer racers[RACERS_MAX];
    const char *before = NULL;
    uint64_t medians[RACERS_MAX];
    size_t rounds, n = 0;
    int at = 2;

    if (argc < 4) {
        fprintf(stderr, "usage: %s ROUNDS [--before COMMAND] NAME COMMAND…\n", argv[0]);
        return 2;
    }
    rounds = bench_rounds(argv[1]);
    if (strcmp(argv[at], "--before") == 0) {
        before = argv[at + 1];
        at += 2;
    }
    for (; at + 1 < argc && n < RACERS_MAX; at += 2, n++)
        racers[n] = (struct racer){ argv[at], argv[at + 1], calloc(rounds, sizeof(uint64_t)) };
    race(racers, n, rounds, before);
    for (size_t i = 0; i < n; i++)
        medians[i] = bench_median(racers[i].samples, rounds);
    for (size_t i = 0; i < n; i++) {
        printf("  %-34s %9.3f ms  (fastest %9.3f ms)  ratio %.3f\n", racers[i].name,
               (double)medians[i] / 1000, (double)racers[i].samples[0] / 1000,
               (double)medians[i] / (double)medians[n - 1]);
        free(racers[i].samples);
    }
    return 0;
}
