/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_BENCH_H
#define PORTD_TESTS_BENCH_H

/* What the measuring programs share. They end at the first thing that goes wrong: half a
 * measurement is none. */

#include "base/report.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline _unused_ uint64_t bench_usec(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static inline int bench_compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Sorts the samples. */
static inline _unused_ uint64_t bench_median(uint64_t *samples, size_t n) {
    qsort(samples, n, sizeof(*samples), bench_compare);
    return n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
}

/* `r` as functions of this project return it: all but 0 ends the program. */
static inline _unused_ void bench_must(int r, const char *what, struct report *report) {
    if (r == 0)
        return;
    if (report)
        report_print(report, stderr);
    fprintf(stderr, "%s: %s\n", what, r < 0 ? strerror(-r) : "failed");
    exit(1);
}

/* A count of rounds from the command line. */
static inline _unused_ size_t bench_rounds(const char *text) {
    size_t n = strtoul(text, NULL, 10);

    bench_must(n >= 1 && n <= 1000 ? 0 : -EINVAL, text, NULL);
    return n;
}

#define BENCH_WORDS_MAX 32U
static inline void bench_split(char *text, char *words[static BENCH_WORDS_MAX]) {
    size_t n = 0;

    for (char *word; (word = strsep(&text, " ")) && n < BENCH_WORDS_MAX - 1;)
        if (*word)
            words[n++] = word;
    words[n] = NULL;
}

/* A command, split at spaces, from fork to exit: microseconds. */
static inline _unused_ uint64_t bench_run(const char *command) {
    char text[2048], *words[BENCH_WORDS_MAX];
    uint64_t start;
    int status;
    pid_t pid;

    snprintf(text, sizeof(text), "%s", command);
    bench_split(text, words);
    start = bench_usec();
    pid = vfork();
    if (pid == 0) {
        execvp(words[0], words);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) < 0 || status != 0) {
        fprintf(stderr, "failed: %s\n", command);
        exit(1);
    }
    return bench_usec() - start;
}

#endif
