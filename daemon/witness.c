/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever /proc tells without the process's own doing is given out first; its memory, which holds
 * the command line and may lie on a file system that never answers, is read last. */
#include "daemon/witness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>

#define WAIT_NSEC 10000000

enum progress {
    IDLE,
    CALLED,
    SEEN, /* without the command lines */
    DONE,
};

struct witness {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t wake;  /* any of it changed */
    enum progress progress;
    bool is_ending;
    bool is_abandoned; /* the thread frees it */
    pid_t pid;
    char command[PROCESS_COMMAND_MAX];
    struct process process;
};

static void release(struct witness *w) {
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static void publish(struct witness *w, const struct process *p, enum progress progress) {
    pthread_mutex_lock(&w->lock);
    w->process = *p;
    w->progress = progress;
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

/* Of whom it was called for; the caller changes neither while it is at it. */
static void look(struct witness *w) {
    struct process p;

    process_look(w->pid, w->command, &p);
    publish(w, &p, SEEN);
    process_look_closer(w->pid, w->command, &p);
    publish(w, &p, DONE);
}

static void *witness_thread(void *userdata) {
    struct witness *w = userdata;
    bool is_abandoned;

    pthread_mutex_lock(&w->lock);
    while (!w->is_ending) {
        if (w->progress != CALLED) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        pthread_mutex_unlock(&w->lock);
        look(w);
        pthread_mutex_lock(&w->lock);
    }
    is_abandoned = w->is_abandoned;
    pthread_mutex_unlock(&w->lock);
    if (is_abandoned)
        release(w);
    return NULL;
}

/* Signals are the loop's. */
static int thread_start(struct witness *w) {
    sigset_t all, old;
    int r;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    r = pthread_create(&w->thread, NULL, witness_thread, w);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return -r;
}

int witness_new(struct witness **ret) {
    struct witness *w = calloc(1, sizeof(*w));
    pthread_condattr_t monotonic;
    int r;

    if (!w)
        return -ENOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    r = thread_start(w);
    if (r < 0) {
        release(w);
        return r;
    }
    *ret = w;
    return 0;
}

static bool is_at_it(const struct witness *w) {
    return w->progress == CALLED || w->progress == SEEN;
}

struct witness *witness_free(struct witness *w) {
    bool is_abandoned;
    pthread_t thread;

    if (!w)
        return NULL;
    thread = w->thread;
    pthread_mutex_lock(&w->lock);
    w->is_ending = true;
    w->is_abandoned = is_abandoned = is_at_it(w);
    pthread_cond_broadcast(&w->wake);
    pthread_mutex_unlock(&w->lock);
    if (is_abandoned) {
        pthread_detach(thread);
        return NULL;
    }
    pthread_join(thread, NULL);
    release(w);
    return NULL;
}

void witness_call(struct witness *w, pid_t pid, const char *command) {
    pthread_mutex_lock(&w->lock);
    if (!is_at_it(w) && (w->progress == IDLE || w->pid != pid)) {
        w->pid = pid;
        snprintf(w->command, sizeof(w->command), "%s", command);
        w->progress = CALLED;
        pthread_cond_broadcast(&w->wake);
    }
    pthread_mutex_unlock(&w->lock);
}

bool witness_answer(struct witness *w, pid_t pid, struct process *ret) {
    struct timespec until;
    bool has_seen;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += WAIT_NSEC;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    pthread_mutex_lock(&w->lock);
    while (is_at_it(w) && w->pid == pid)
        if (pthread_cond_timedwait(&w->wake, &w->lock, &until) != 0)
            break;
    has_seen = w->pid == pid && (w->progress == SEEN || w->progress == DONE);
    if (has_seen)
        *ret = w->process;
    if (w->progress == DONE)
        w->progress = IDLE;
    pthread_mutex_unlock(&w->lock);
    return has_seen;
}
