/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other end of the resolver's connections: a socket that says what the test tells it to. Client
 * and server share the loop: whoever waits here turns it. */
#ifndef PORTD_TESTS_FAKE_PORTD_H
#define PORTD_TESTS_FAKE_PORTD_H

#include "base/macros.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-event.h>

struct fake_portd {
    char dir[32], path[64];
    sd_event *event;
    int listener;
};

static inline void fake_listen(struct fake_portd *f) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    strcpy(address.sun_path, f->path);
    f->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(f->listener, 8), 0);
}

static inline void fake_close(struct fake_portd *f) {
    f->listener = fd_close(f->listener);
    unlink(f->path);
}

static inline void fake_init(struct fake_portd *f) {
    *f = (struct fake_portd){ .dir = "/tmp/portd-resolver-XXXXXX", .listener = -1 };
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->path, sizeof(f->path), "%s/io.portd", f->dir);
    assert_int_equal(sd_event_new(&f->event), 0);
}

static inline void fake_clear(struct fake_portd *f) {
    fake_close(f);
    rmdir(f->dir);
    sd_event_unref(f->event);
}

/* Turns the loop for a moment, if there is nothing to do just waits. */
static inline void fake_turn(struct fake_portd *f) {
    assert_true(sd_event_run(f->event, 20000) >= 0);
}

/* The next client, which has to come within a few seconds. */
static inline int fake_accept(struct fake_portd *f) {
    int fd = -1;

    for (int i = 0; fd < 0 && i < 500; i++) {
        fake_turn(f);
        fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    }
    assert_true(fd >= 0);
    return fd;
}

/* What the client says up to its NUL, or "" when it hung up. */
static inline void fake_hear(struct fake_portd *f, int fd, char *buf, size_t size) {
    size_t n = 0;

    for (int i = 0; i < 500 && n < size - 1; i++) {
        ssize_t got;

        fake_turn(f);
        got = recv(fd, buf + n, size - 1 - n, 0);
        if (got == 0)
            break;
        n += got > 0 ? (size_t)got : 0;
        if (n > 0 && buf[n - 1] == '\0')
            return;
    }
    buf[n] = '\0';
}

static inline void fake_say(int fd, const char *text) {
    assert_int_equal(send(fd, text, strlen(text) + 1, MSG_NOSIGNAL), strlen(text) + 1);
}

/* Whether the client hangs up within a few seconds. */
static inline bool fake_is_left(struct fake_portd *f, int fd) {
    char byte;

    for (int i = 0; i < 500; i++) {
        fake_turn(f);
        if (recv(fd, &byte, 1, 0) == 0)
            return true;
    }
    return false;
}

#endif
