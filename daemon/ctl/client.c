/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A client has nothing else to do while it waits, so it blocks. */
#include "client.h"

#include "failure.h"
#include "remote.h"
#include "screen.h"
#include "varlink/frame.h"
#include "varlink/message.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

/* A reload of a large site with a busy kernel takes seconds; a minute says that portd hangs. */
#define TIMEOUT_SEC 60
/* On the way somebody may have to type a password. */
#define TIMEOUT_REMOTE_SEC 180
#define REPLY_MAX          ((size_t)256 << 20)

struct client {
    const struct options *options;
    const char *method;
    int fd;
    pid_t ssh; /* 0: the portd of this host */
    struct frame_input in;
};

int client_connect(const char *path) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_(closep) int fd = -1;
    size_t n = strlen(path);

    if (n >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, n + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return TAKE_FD(fd);
}

/* 0 or -errno. */
static int client_open(struct client *c) {
    const struct options *o = c->options;

    c->fd = o->remote ? remote_open(o, &c->ssh) : client_connect(o->socket);
    return c->fd < 0 ? c->fd : 0;
}

static int client_set_timeout(struct client *c) {
    unsigned own = c->options->timeout_sec;
    struct timeval tv = { .tv_sec = own ? own : c->ssh ? TIMEOUT_REMOTE_SEC : TIMEOUT_SEC };

    return setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ? -errno : 0;
}

static int client_send(struct client *c, json_t *parameters, bool more) {
    _cleanup_(freep) char *text = message_call(c->method, parameters, more);
    size_t n, at = 0;

    if (!text)
        return -ENOMEM;
    n = strlen(text) + 1;
    while (at < n) {
        ssize_t sent = send(c->fd, text + at, n - at, MSG_NOSIGNAL);

        if (sent < 0 && errno != EINTR)
            return -errno;
        at += sent < 0 ? 0 : (size_t)sent;
    }
    return 0;
}

/* Says what is wrong. Without an answer it is ssh that knows. */
static enum status client_failed(struct client *c, int error) {
    pid_t ssh = c->ssh;

    if (!ssh || (error != -ECONNRESET && error != -EPIPE))
        return failure_connection(c->options, error);
    c->ssh = 0;
    return remote_failed(c->options, ssh);
}

enum status client_call(const struct options *o, const char *method, json_t *parameters, bool more,
                        struct client **ret) {
    _cleanup_(client_freep) struct client *c = calloc(1, sizeof(*c));
    int r = -ENOMEM;

    if (c && parameters) {
        *c = (struct client){ .options = o, .method = method, .fd = -1, .in.max = REPLY_MAX };
        r = client_open(c);
        if (r == 0 && !more)
            r = client_set_timeout(c);
        if (r == 0)
            r = client_send(c, parameters, more);
    }
    json_decref(parameters);
    if (r < 0)
        return c ? client_failed(c, r) : failure_memory();
    *ret = TAKE_PTR(c);
    return STATUS_FINE;
}

/* 0 or -errno; -ECONNRESET: portd hung up. */
static int client_receive(struct client *c, const char **ret_text, size_t *ret_size) {
    int r;

    while ((r = frame_input_next(&c->in, ret_text, ret_size)) == FRAME_E_MORE) {
        size_t room;
        void *to = frame_input_room(&c->in, &room);
        ssize_t n;

        if (!to)
            return -ENOMEM;
        n = recv(c->fd, to, room, 0);
        if (n == 0)
            return -ECONNRESET;
        if (n < 0 && errno != EINTR)
            return errno == EAGAIN ? -ETIMEDOUT : -errno;
        frame_input_filled(&c->in, n < 0 ? 0 : (size_t)n);
    }
    return r == 0 ? 0 : -EPROTO;
}

enum status client_next(struct client *c, json_t **ret) {
    enum status status = STATUS_FINE;
    struct message m;
    const char *text;
    size_t size;
    int r;

    r = client_receive(c, &text, &size);
    if (r == 0)
        r = message_parse(MESSAGE_REPLY, text, size, &m);
    if (r != 0)
        return client_failed(c, r < 0 ? r : -EPROTO);
    if (m.error)
        status = failure_answer(c->options, c->method, m.error, m.parameters);
    else
        *ret = m.parameters ? json_incref(m.parameters) : json_object();
    message_clear(&m);
    return status;
}

struct client *client_free(struct client *c) {
    if (!c)
        return NULL;
    frame_input_clear(&c->in);
    fd_close(c->fd);
    if (c->ssh)
        remote_close(c->ssh);
    free(c);
    return NULL;
}

enum status client_ask(const struct options *o, const char *method, json_t *parameters,
                       json_t **ret) {
    _cleanup_(client_freep) struct client *c = NULL;
    enum status status;

    status = client_call(o, method, parameters, false, &c);
    if (status == STATUS_FINE)
        status = client_next(c, ret);
    if (status == STATUS_FINE && !o->json)
        screen_make_safe(*ret);
    return status;
}
