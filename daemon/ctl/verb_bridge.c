/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The far end of --remote: bytes go both ways between standard input and output and the socket, but
 * that the call before all else gets the session by which it came, which only this end knows. What
 * is wrong goes into the exit status alone: the near end tells it to whoever asked. */
#include "client.h"
#include "remote.h"
#include "session.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK    65536
#define CALL_MAX 65536U /* a longer one is passed on as it is */

/* 0 or -errno. */
static int write_all(int fd, const char *bytes, size_t size) {
    while (size > 0) {
        ssize_t n = write(fd, bytes, size);

        if (n < 0 && errno != EINTR)
            return -errno;
        bytes += n < 0 ? 0 : n;
        size -= n < 0 ? 0 : (size_t)n;
    }
    return 0;
}

/* Passes on what is there. 1; 0 at its end; -errno. */
static int pass(int from, int to) {
    static char bytes[CHUNK];
    ssize_t n = read(from, bytes, sizeof(bytes));
    int r;

    if (n < 0)
        return errno == EINTR ? 1 : -errno;
    if (n == 0)
        return 0;
    r = write_all(to, bytes, (size_t)n);
    return r < 0 ? r : 1;
}

/* The first call, which ends with a NUL. Whoever doesn't send a whole one gets it as it is. */
static int pass_call(int fd) {
    char text[CALL_MAX + 1];
    size_t size = 0;
    ssize_t n = 1;

    while (n > 0 && size < CALL_MAX && !memchr(text, '\0', size)) {
        n = read(STDIN_FILENO, text + size, CALL_MAX - size);
        if (n < 0 && errno != EINTR)
            return -errno;
        size += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
    }
    if (size > 0 && memchr(text, '\0', size) == text + size - 1) {
        _cleanup_(freep) char *changed = session_into_call(text);

        if (changed)
            return write_all(fd, changed, strlen(changed) + 1);
    }
    return write_all(fd, text, size);
}

/* Until portd hangs up, which it does once it is told that nothing more is asked. */
static enum status bridge(int fd) {
    struct pollfd polls[] = { { .fd = STDIN_FILENO, .events = POLLIN },
                              { .fd = fd, .events = POLLIN } };
    int r = pass_call(fd) < 0 ? -EIO : 1;

    while (r > 0) {
        if (poll(polls, ARRAY_SIZE(polls), -1) < 0) {
            if (errno == EINTR)
                continue;
            return STATUS_FAILED;
        }
        if (polls[1].revents) {
            r = pass(fd, STDOUT_FILENO);
        } else if (polls[0].revents && pass(STDIN_FILENO, fd) <= 0) {
            polls[0].fd = -1;
            (void)shutdown(fd, SHUT_WR);
        }
    }
    return r < 0 && r != -ECONNRESET ? STATUS_FAILED : STATUS_FINE;
}

enum status verb_bridge(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    _cleanup_(closep) int fd = client_connect(o->socket);

    if (fd >= 0)
        return bridge(fd);
    if (fd == -EACCES)
        exit(BRIDGE_DENIED);
    return fd == -ENOENT || fd == -ECONNREFUSED ? STATUS_NO_DAEMON : STATUS_FAILED;
}
