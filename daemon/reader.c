/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The child is executed, not only forked: it has nothing of our memory, and of our capabilities
 * none outlives execve() (capabilities(7): no file capabilities, nothing ambient). It is the same
 * user, because portd can't become another when it has to start it anew. */
#include "daemon/reader.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "daemon/server.h"
#include "engine/ruleset.h"
#include "nft/nflog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#define PROGRAM "portd-denied"
/* Between two starts, doubled each time until one of them lasted as long as the most. */
#define DELAY_MIN_USEC ((uint64_t)100 * 1000)
#define DELAY_MAX_USEC ((uint64_t)30 * 1000000)
/* After so many starts that didn't last it is told. */
#define DELAY_ODD_USEC (DELAY_MIN_USEC << 3)
/* Records are read this many at a time, and then not for a while: 2,560 a second. */
#define RECORDS_MAX 256U
#define PAUSE_USEC  ((uint64_t)100 * 1000)

struct reader {
    sd_event *event;
    sd_event_source *child, *records, *resume, *start;
    reader_take take;
    void *userdata;
    int program;
    int nflog; /* the socket that the next child gets; -1: none yet */
    bool knows_connections;
    int pair;
    enum reader_state state;
    int error;
    uint64_t started_usec, delay_usec; /* CLOCK_MONOTONIC */
    uint64_t restarts, rejected;
};

static const char *const state_names[] = {
    [READER_RUNS] = "runs",       [READER_WAITS] = "waits",
    [READER_BUSY] = "busy",       [READER_UNSUPPORTED] = "unsupported",
    [READER_MISSING] = "missing", [READER_FAILS] = "fails",
};
static_assert(ARRAY_SIZE(state_names) == READER_STATE_MAX, "a state has no name");

const char *reader_state_name(enum reader_state s) {
    return state_names[s];
}

/* As in a build directory. */
static int program_beside(void) {
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof(PROGRAM));
    char *slash;

    if (n < 0)
        return -1;
    path[n] = '\0';
    slash = strrchr(path, '/');
    if (!slash)
        return -1;
    memcpy(slash + 1, PROGRAM, sizeof(PROGRAM));
    return open(path, O_PATH | O_CLOEXEC);
}

int reader_program(void) {
    int fd = program_beside();

    return fd >= 0 ? fd : open(LIBEXECDIR "/" PROGRAM, O_PATH | O_CLOEXEC);
}

static void state_set(struct reader *r, enum reader_state s, int error) {
    if (s != r->state && s != READER_RUNS && s != READER_WAITS)
        log_warn("denied packets can't be read: %s%s%s", state_names[s], error < 0 ? ": " : "",
                 error < 0 ? strerror(-error) : "");
    r->state = s;
    r->error = error;
}

/* 0 or -errno; the state says so, too. */
static int groups_open(struct reader *r) {
    static const uint16_t groups[] = { PORTD_LOG_GROUP, PORTD_LOG_GROUP_WOULD };
    int e;

    if (r->nflog >= 0)
        return 0;
    e = nflog_open(groups, ARRAY_SIZE(groups), &r->nflog, &r->knows_connections);
    if (e == 0 && r->state != READER_WAITS)
        r->delay_usec = 0; /* that was another kind of waiting */
    if (e < 0)
        state_set(r,
                  e == -EBUSY        ? READER_BUSY
                  : e == -EOPNOTSUPP ? READER_UNSUPPORTED
                                     : READER_FAILS,
                  e);
    return e;
}

/* In the child, where nothing may be called that takes a lock. */
static void child_run(const struct reader *r, int pair) {
    char *const argv[] = { (char *)PROGRAM, (char *)(r->knows_connections ? "connections" : "-"),
                           NULL };
    char *const envp[] = { NULL };
    /* None of them among the first three any more. */
    int nflog = fcntl(r->nflog, F_DUPFD, 3), out = fcntl(pair, F_DUPFD, 3);
    int program = fcntl(r->program, F_DUPFD, 3);

    if (nflog >= 0 && out >= 0 && program >= 0 && dup2(nflog, STDIN_FILENO) >= 0 &&
        dup2(out, STDOUT_FILENO) >= 0 && dup3(program, STDERR_FILENO, O_CLOEXEC) >= 0 &&
        close_range(STDERR_FILENO + 1, ~0U, 0) == 0)
        (void)execveat(STDERR_FILENO, "", argv, envp, AT_EMPTY_PATH);
    _exit(127);
}

static int child_fork(struct reader *r, pid_t *ret) {
    int pair[2];
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return -errno;
    pid = fork();
    if (pid == 0)
        child_run(r, pair[1]);
    fd_close(pair[1]);
    if (pid < 0) {
        fd_close(pair[0]);
        return -errno;
    }
    r->nflog = fd_close(r->nflog);
    r->pair = pair[0];
    *ret = pid;
    return 0;
}

/* Who has the groups may be a child of a portd that was just killed, and gone in a moment. */
static int start_later(struct reader *r) {
    int e;

    r->delay_usec = r->delay_usec == 0 ? DELAY_MIN_USEC : r->delay_usec * 2;
    if (r->delay_usec > DELAY_MAX_USEC)
        r->delay_usec = DELAY_MAX_USEC;
    e = sd_event_source_set_time(r->start, clock_monotonic() + r->delay_usec);
    return e < 0 ? e : sd_event_source_set_enabled(r->start, SD_EVENT_ONESHOT);
}

static void child_kill(struct reader *r) {
    r->records = sd_event_source_disable_unref(r->records);
    r->child = sd_event_source_disable_unref(r->child); /* kills it, and waits for it */
    r->pair = fd_close(r->pair);
}

static int child_ended(struct reader *r) {
    if (clock_monotonic() > r->started_usec + DELAY_MAX_USEC)
        r->delay_usec = 0;
    child_kill(r);
    r->restarts++;
    state_set(r, READER_WAITS, 0);
    return start_later(r);
}

static int on_end(sd_event_source *s, const siginfo_t *si, void *userdata) {
    (void)s;
    log_warn("portd-denied has ended, %s %d: it is started anew",
             si->si_code == CLD_EXITED ? "exit status" : "signal", si->si_status);
    return child_ended(userdata);
}

/* One record, or -EAGAIN: there is none; -ENODATA: there will be none; -EBADMSG. */
static int record_read(const struct reader *r, uint32_t revents, struct record *ret) {
    uint8_t bytes[sizeof(*ret) + 1];
    ssize_t n = recv(r->pair, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? -EAGAIN : -ENODATA;
    if (n == 0 && revents & EPOLLHUP)
        return -ENODATA;
    return record_take(bytes, (size_t)n, ret) ? 0 : -EBADMSG;
}

static int records_pause(struct reader *r) {
    int e = sd_event_source_set_enabled(r->records, SD_EVENT_OFF);

    if (e >= 0)
        e = sd_event_source_set_time_relative(r->resume, PAUSE_USEC);
    return e < 0 ? e : sd_event_source_set_enabled(r->resume, SD_EVENT_ONESHOT);
}

static int on_records(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
    struct reader *r = userdata;

    (void)fd;
    for (size_t i = 0; i < RECORDS_MAX; i++) {
        struct record record;
        int e = record_read(r, revents, &record);

        if (e == -EAGAIN)
            return 0;
        if (e == -ENODATA) /* it has ended, or is about to */
            return sd_event_source_set_enabled(s, SD_EVENT_OFF);
        if (e < 0) {
            r->rejected++;
            log_warn("portd-denied said what is no record: it is ended, and started anew");
            return child_ended(r);
        }
        r->take(r->userdata, &record);
    }
    return records_pause(r);
}

static int on_resume(sd_event_source *s, uint64_t usec, void *userdata) {
    struct reader *r = userdata;

    (void)s;
    (void)usec;
    return r->records ? sd_event_source_set_enabled(r->records, SD_EVENT_ON) : 0;
}

static int child_watch(struct reader *r, pid_t pid) {
    int e = sd_event_add_child(r->event, &r->child, pid, WEXITED, on_end, r);

    if (e < 0) {
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        return e;
    }
    e = sd_event_source_set_child_process_own(r->child, true);
    if (e >= 0)
        e = sd_event_add_io(r->event, &r->records, r->pair, EPOLLIN, on_records, r);
    return e < 0 ? e : sd_event_source_set_priority(r->records, SERVER_PRIORITY);
}

static int start(struct reader *r) {
    pid_t pid = 0;
    int e = child_fork(r, &pid);

    if (e == 0)
        e = child_watch(r, pid);
    if (e < 0) {
        child_kill(r);
        state_set(r, READER_FAILS, e);
        return start_later(r);
    }
    r->started_usec = clock_monotonic();
    state_set(r, READER_RUNS, 0);
    return 0;
}

/* Who has the groups may let them go, and a module that is missing may be loaded. */
static int on_start(sd_event_source *s, uint64_t usec, void *userdata) {
    struct reader *r = userdata;

    (void)s;
    (void)usec;
    return groups_open(r) < 0 ? start_later(r) : start(r);
}

int reader_new(int program, reader_take take, void *userdata, struct reader **ret) {
    struct reader *r = calloc(1, sizeof(*r));

    if (!r) {
        fd_close(program);
        return -ENOMEM;
    }
    *r = (struct reader){ .take = take,
                          .userdata = userdata,
                          .program = program,
                          .nflog = -1,
                          .pair = -1,
                          .state = READER_WAITS };
    if (program < 0)
        state_set(r, READER_MISSING, 0);
    else
        (void)groups_open(r);
    *ret = r;
    return 0;
}

int reader_attach(struct reader *r, sd_event *event) {
    int e;

    r->event = sd_event_ref(event);
    e = sd_event_add_time(event, &r->start, CLOCK_MONOTONIC, 0, 0, on_start, r);
    if (e >= 0)
        e = sd_event_add_time(event, &r->resume, CLOCK_MONOTONIC, 0, 0, on_resume, r);
    if (e >= 0)
        e = sd_event_source_set_enabled(r->resume, SD_EVENT_OFF);
    if (e >= 0 && r->state == READER_MISSING)
        e = sd_event_source_set_enabled(r->start, SD_EVENT_OFF);
    return e;
}

struct reader *reader_free(struct reader *r) {
    if (!r)
        return NULL;
    child_kill(r);
    sd_event_source_disable_unref(r->start);
    sd_event_source_disable_unref(r->resume);
    sd_event_unref(r->event);
    fd_close(r->nflog);
    fd_close(r->program);
    free(r);
    return NULL;
}

bool reader_keeps_ending(const struct reader *r) {
    return (r->state == READER_RUNS || r->state == READER_WAITS) &&
           r->delay_usec >= DELAY_ODD_USEC && clock_monotonic() < r->started_usec + DELAY_MAX_USEC;
}

enum reader_state reader_state_get(const struct reader *r) {
    return r->state;
}

int reader_error(const struct reader *r) {
    return r->error;
}

uint64_t reader_restarts(const struct reader *r) {
    return r->restarts;
}

uint64_t reader_rejected(const struct reader *r) {
    return r->rejected;
}
