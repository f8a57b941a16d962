/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One message is handed on for each turn of the loop, as the last thing that is done in it, so that
 * the handler is free to end the link. When more is buffered, EPOLLOUT makes the loop come back. */
#include "link.h"

#include "varlink/frame.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

struct link {
    int fd;
    struct frame_input in;
    struct frame_output out;
    sd_event_source *io, *deadline;
    link_handler handler;
    void *userdata;
};

static int link_connect(const char *path, int *ret) {
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    _cleanup_(closep) int fd = -1;
    size_t n = strlen(path);

    if (n >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, n + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    *ret = TAKE_FD(fd);
    return 0;
}

static int link_set_events(struct link *l) {
    size_t waiting;
    uint32_t events = EPOLLIN;

    if (frame_output_pending(&l->out, &waiting) || frame_input_is_ready(&l->in))
        events |= EPOLLOUT;
    return sd_event_source_set_io_events(l->io, events);
}

static int link_flush(struct link *l) {
    const char *bytes;
    size_t n;

    while ((bytes = frame_output_pending(&l->out, &n))) {
        ssize_t sent = send(l->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return errno == EAGAIN ? 0 : -errno;
        frame_output_sent(&l->out, (size_t)sent);
    }
    return 0;
}

static int link_read(struct link *l) {
    size_t room;
    void *to = frame_input_room(&l->in, &room);
    ssize_t n;

    if (!to)
        return -ENOMEM;
    n = recv(l->fd, to, room, MSG_DONTWAIT);
    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    if (n == 0)
        return -ECONNRESET;
    frame_input_filled(&l->in, (size_t)n);
    return 0;
}

/* FRAME_E_MORE: no reply yet. Negative: the link is of no use. */
static int link_take_reply(struct link *l, struct message *ret) {
    const char *text;
    size_t size;
    int r;

    r = frame_input_next(&l->in, &text, &size);
    if (r == FRAME_E_MORE) {
        r = link_read(l);
        if (r < 0)
            return r;
        r = frame_input_next(&l->in, &text, &size);
    }
    if (r == FRAME_E_MORE)
        return r;
    if (r == FRAME_E_TOO_LARGE)
        return -EPROTO;
    r = message_parse(MESSAGE_REPLY, text, size, ret);
    return r == MESSAGE_E_INVALID ? -EPROTO : r;
}

static int on_io(sd_event_source *source _unused_, int fd _unused_, uint32_t revents _unused_,
                 void *userdata) {
    struct link *l = userdata;
    struct message reply;
    int r = link_flush(l);

    if (r >= 0)
        r = link_take_reply(l, &reply);
    if (r == 0)
        (void)sd_event_source_set_enabled(l->deadline, SD_EVENT_OFF);
    if (r >= 0 && link_set_events(l) < 0) {
        if (r == 0)
            message_clear(&reply);
        r = -ENOMEM;
    }
    if (r == FRAME_E_MORE)
        return 0;
    l->handler(l, r, r == 0 ? &reply : NULL, l->userdata);
    if (r == 0)
        message_clear(&reply);
    return 0;
}

static int on_deadline(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct link *l = userdata;

    l->handler(l, -ETIMEDOUT, NULL, l->userdata);
    return 0;
}

int link_new(sd_event *event, const char *path, size_t max, link_handler handler, void *userdata,
             struct link **ret) {
    _cleanup_(link_freep) struct link *l = calloc(1, sizeof(*l));
    int r;

    if (!l)
        return -ENOMEM;
    *l = (struct link){ .fd = -1, .in.max = max, .handler = handler, .userdata = userdata };
    r = link_connect(path, &l->fd);
    if (r < 0)
        return r;
    r = sd_event_add_io(event, &l->io, l->fd, EPOLLIN, on_io, l);
    if (r < 0)
        return r;
    r = sd_event_add_time_relative(event, &l->deadline, CLOCK_MONOTONIC, 0, 0, on_deadline, l);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(l->deadline, SD_EVENT_OFF);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(l);
    return 0;
}

struct link *link_free(struct link *l) {
    if (!l)
        return NULL;
    sd_event_source_disable_unref(l->io);
    sd_event_source_disable_unref(l->deadline);
    frame_input_clear(&l->in);
    frame_output_clear(&l->out);
    fd_close(l->fd);
    free(l);
    return NULL;
}

int link_call(struct link *l, char *text, uint64_t timeout_usec) {
    int r = -ENOMEM;

    if (text)
        r = frame_output_add(&l->out, text, strlen(text));
    free(text);
    if (r < 0)
        return r;
    r = sd_event_source_set_time_relative(l->deadline, timeout_usec);
    if (r < 0)
        return r;
    r = sd_event_source_set_enabled(l->deadline, SD_EVENT_ONESHOT);
    return r < 0 ? r : link_set_events(l);
}
