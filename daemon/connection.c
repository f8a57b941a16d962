/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection is in one of two states, and waits for one thing only: there is something to send
 * (EPOLLOUT), or there is not and it waits for bytes (EPOLLIN). While an answer waits nothing is
 * read, so a client that doesn't read can't make us hold more than one answer. When a further
 * call is already buffered, EPOLLOUT makes the loop come back for it after everybody else.
 *
 * The deadline runs from one change of state to the next, not from the last byte: whoever sends or
 * reads a byte now and then holds its place no longer than one who does nothing. */
#include "daemon/connection.h"

#include "daemon/server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static bool connection_has_output(const struct connection *c) {
    size_t n;

    return frame_output_pending(&c->out, &n);
}

static int connection_set_events(struct connection *c) {
    bool wants_turn = connection_has_output(c) || frame_input_is_ready(&c->in);

    return sd_event_source_set_io_events(c->io, wants_turn ? EPOLLOUT : EPOLLIN);
}

/* A watcher to whom everything was sent has all the time it wants. */
static int connection_set_deadline(struct connection *c) {
    int r;

    if (c->topic != TOPIC_NONE && !connection_has_output(c))
        return sd_event_source_set_enabled(c->deadline, SD_EVENT_OFF);
    r = sd_event_source_set_time_relative(c->deadline, c->idle_usec);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(c->deadline, SD_EVENT_ONESHOT);
}

/* Sends what the socket takes. */
static int connection_flush(struct connection *c) {
    const char *bytes;
    size_t n;

    while ((bytes = frame_output_pending(&c->out, &n))) {
        ssize_t sent = send(c->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? 0 : -errno;
        frame_output_sent(&c->out, (size_t)sent);
    }
    return connection_set_deadline(c);
}

/* Reads once. -ENOTCONN: the client has hung up. */
static int connection_read(struct connection *c) {
    size_t room;
    void *to = frame_input_room(&c->in, &room);
    ssize_t n;

    if (!to)
        return -ENOMEM;
    n = recv(c->fd, to, room, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ENOTCONN;
    frame_input_filled(&c->in, (size_t)n);
    return 0;
}

/* Takes a buffered call, or reads and takes what may be whole then. */
static int connection_next(struct connection *c, const char **ret_text, size_t *ret_size) {
    int r;

    r = frame_input_next(&c->in, ret_text, ret_size);
    if (r != FRAME_E_MORE)
        return r;
    r = connection_read(c);
    if (r < 0)
        return r;
    return frame_input_next(&c->in, ret_text, ret_size);
}

/* Handles at most one call. After Watch nothing may be asked on the same connection: its answers
 * have no end. */
static int connection_take_call(struct connection *c) {
    struct call call = { .connection = c };
    const char *text;
    size_t size;
    int r;

    r = connection_next(c, &text, &size);
    if (r == FRAME_E_MORE || r < 0)
        return r < 0 ? r : 0;
    if (r == FRAME_E_TOO_LARGE || c->topic != TOPIC_NONE)
        return -EPROTO;
    r = message_parse(MESSAGE_CALL, text, size, &call.message);
    if (r != 0)
        return r < 0 ? r : -EPROTO;
    r = server_dispatch(c->server, &call);
    message_clear(&call.message);
    if (r < 0)
        return r;
    r = connection_set_deadline(c);
    return r < 0 ? r : connection_flush(c);
}

static int on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t revents _unused_,
                 void *userdata) {
    struct connection *c = userdata;
    int r = 0;

    if (connection_has_output(c))
        r = connection_flush(c);
    if (r >= 0 && !connection_has_output(c))
        r = connection_take_call(c);
    if (r >= 0)
        r = connection_set_events(c);
    if (r < 0)
        server_drop(c->server, c);
    return 0;
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct connection *c = userdata;

    server_drop(c->server, c);
    return 0;
}

static int connection_attach(struct connection *c, sd_event *event) {
    int r;

    r = sd_event_add_io(event, &c->io, c->fd, EPOLLIN, on_io, c);
    if (r < 0)
        return r;
    r = sd_event_source_set_priority(c->io, SERVER_PRIORITY);
    if (r < 0)
        return r;
    r = sd_event_add_time_relative(event, &c->deadline, CLOCK_MONOTONIC, c->idle_usec, 0,
                                   on_deadline, c);
    if (r < 0)
        return r;
    return sd_event_source_set_priority(c->deadline, SERVER_PRIORITY);
}

int connection_new(struct server *s, sd_event *event, int fd, const struct credentials *who,
                   uint64_t idle_usec, struct connection **ret) {
    struct connection *c = calloc(1, sizeof(*c));
    int r;

    if (!c) {
        fd_close(fd);
        return -ENOMEM;
    }
    *c = (struct connection){ .server = s, .fd = fd, .who = *who, .idle_usec = idle_usec };
    c->in.max = FRAME_SIZE_MAX;
    r = connection_attach(c, event);
    if (r < 0) {
        connection_free(c);
        return r;
    }
    *ret = c;
    return 0;
}

struct connection *connection_free(struct connection *c) {
    if (!c)
        return NULL;
    sd_event_source_disable_unref(c->io);
    sd_event_source_disable_unref(c->deadline);
    frame_input_clear(&c->in);
    frame_output_clear(&c->out);
    fd_close(c->fd);
    free(c);
    return NULL;
}

static int connection_queue(struct connection *c, const char *text, size_t size) {
    bool was_flushed = !connection_has_output(c);
    size_t waiting;
    int r;

    if (!text)
        return -ENOMEM;
    frame_output_pending(&c->out, &waiting);
    if (!was_flushed && waiting + size > SERVER_BACKLOG_MAX)
        return -ENOBUFS;
    r = frame_output_add(&c->out, text, size);
    if (r >= 0 && was_flushed)
        r = connection_set_deadline(c);
    return r < 0 ? r : connection_set_events(c);
}

void connection_send_event(struct connection *c, const char *text, size_t size) {
    if (connection_queue(c, text, size) >= 0)
        return;
    /* Wakes the loop with the end of the stream, which on_io() knows how to handle. */
    frame_output_clear(&c->out);
    shutdown(c->fd, SHUT_RDWR);
    (void)connection_set_events(c);
}
