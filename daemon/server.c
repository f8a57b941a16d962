/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who may connect, how often, and which method a call means. What a connection does with its
 * bytes is connection.c, what a handler can do is call.c.
 *
 * A connection over the ceilings is accepted and closed, so that its client learns it at once
 * instead of waiting in the backlog in front of others. When descriptors or memory run out,
 * accept() fails but the listener stays readable: it is left alone for a second then. */
#include "daemon/server.h"

#include "daemon/connection.h"
#include "varlink/interface.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define PAUSE_USEC ((uint64_t)1000000)

struct server {
    struct server_options options;
    sd_event *event;
    sd_event_source *listener, *resume;
    struct connection *connections;
};

static size_t server_count(const struct server *s) {
    size_t n = 0;

    for (const struct connection *c = s->connections; c; c = c->next)
        n++;
    return n;
}

static size_t server_count_uid(const struct server *s, uid_t uid) {
    size_t n = 0;

    for (const struct connection *c = s->connections; c; c = c->next)
        n += c->who.uid == uid;
    return n;
}

/* The extra places of uid 0 let an administrator ask what goes on while others fill the rest. */
static bool server_has_place(const struct server *s, uid_t uid) {
    size_t extra = uid == 0 ? SERVER_CONNECTIONS_ROOT : 0;

    return server_count(s) < SERVER_CONNECTIONS_MAX + extra &&
           server_count_uid(s, uid) < SERVER_CONNECTIONS_A_UID + extra;
}

static void server_link(struct server *s, struct connection *c) {
    c->next = s->connections;
    if (c->next)
        c->next->previous = c;
    s->connections = c;
}

void server_drop(struct server *s, struct connection *c) {
    if (c->previous)
        c->previous->next = c->next;
    else
        s->connections = c->next;
    if (c->next)
        c->next->previous = c->previous;
    connection_free(c);
}

static int server_add(struct server *s, int fd) {
    struct credentials who;
    struct connection *c;
    int r;

    r = credentials_read(fd, s->options.read_group, &who);
    if (r >= 0 && !server_has_place(s, who.uid))
        r = -EUSERS;
    if (r < 0) {
        fd_close(fd);
        return r;
    }
    r = connection_new(s, s->event, fd, &who, s->options.idle_usec, &c);
    if (r < 0)
        return r;
    server_link(s, c);
    return 0;
}

static void server_pause(struct server *s) {
    if (sd_event_source_set_time_relative(s->resume, PAUSE_USEC) >= 0 &&
        sd_event_source_set_enabled(s->resume, SD_EVENT_ONESHOT) >= 0)
        (void)sd_event_source_set_enabled(s->listener, SD_EVENT_OFF);
}

static int on_resume(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct server *s = userdata;

    return sd_event_source_set_enabled(s->listener, SD_EVENT_ON);
}

/* One client a turn, so that a crowd of them doesn't keep the others waiting. */
static int on_listener(sd_event_source *source _unused_, int fd, uint32_t revents _unused_,
                       void *userdata) {
    struct server *s = userdata;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (client >= 0)
        (void)server_add(s, client);
    else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
        server_pause(s);
    return 0;
}

static bool is_resolver(const struct server *s, const struct credentials *who) {
    return s->options.resolver != (uid_t)-1 && who->uid == s->options.resolver;
}

/* The resolver is in the read group so that it can connect, and for nothing else. */
static bool may_call(const struct server *s, const struct credentials *who, enum access access) {
    bool is_reader =
        (who->uid == 0 || who->uid == geteuid() || who->in_group) && !is_resolver(s, who);

    switch (access) {
    case ACCESS_ANY:
        return true;
    case ACCESS_READ:
        return is_reader;
    case ACCESS_NAMES:
        return is_reader || is_resolver(s, who);
    case ACCESS_RESOLVER:
        return is_resolver(s, who);
    case ACCESS_WRITE:
        return who->uid == 0;
    }
    return false;
}

static const struct method *method_find(const struct method *methods, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    return NULL;
}

static int call_not_found(struct call *c, const struct interface *interface, size_t n) {
    const char *name = c->message.method;

    if (interface)
        return call_error(c, ERROR_METHOD_NOT_FOUND, json_pack("{ss}", "method", name));
    return call_error(c, ERROR_INTERFACE_NOT_FOUND, json_pack("{ss%}", "interface", name, n));
}

static int server_run(struct server *s, const struct method *m, struct call *c) {
    int r;

    if (!may_call(s, &c->connection->who, m->access))
        return call_error(c, ERROR_PERMISSION_DENIED, json_object());
    if (c->message.upgrade)
        return call_error(c, ERROR_METHOD_NOT_IMPLEMENTED,
                          json_pack("{ss}", "method", c->message.method));
    r = m->handler(c, s->options.userdata);
    if (c->is_answered)
        return 0;
    if (r < 0)
        return call_error_text(c, ERROR_FAILED, strerror(-r));
    return call_reply(c, json_object());
}

int server_dispatch(struct server *s, struct call *c) {
    const char *dot = strrchr(c->message.method, '.'); /* message_parse() saw to it */
    size_t n = (size_t)(dot - c->message.method);
    const struct interface *interface = interface_find(c->message.method, n);
    const struct method *m = NULL;

    if (interface && strcmp(interface->name, INTERFACE_PORTD) == 0)
        m = method_find(s->options.methods, s->options.n_methods, dot + 1);
    else if (interface)
        m = method_find(introspection_methods, INTROSPECTION_METHODS, dot + 1);
    return m ? server_run(s, m, c) : call_not_found(c, interface, n);
}

static int server_attach(struct server *s) {
    int r;

    r = sd_event_add_io(s->event, &s->listener, s->options.fd, EPOLLIN, on_listener, s);
    if (r < 0)
        return r;
    r = sd_event_source_set_priority(s->listener, SERVER_PRIORITY);
    if (r < 0)
        return r;
    r = sd_event_add_time_relative(s->event, &s->resume, CLOCK_MONOTONIC, 0, 0, on_resume, s);
    if (r < 0)
        return r;
    return sd_event_source_set_enabled(s->resume, SD_EVENT_OFF);
}

int server_new(sd_event *event, const struct server_options *o, struct server **ret) {
    _cleanup_(server_freep) struct server *s = calloc(1, sizeof(*s));
    int r;

    if (!s)
        return -ENOMEM;
    s->options = *o;
    if (s->options.idle_usec == 0)
        s->options.idle_usec = SERVER_IDLE_USEC;
    s->event = sd_event_ref(event);
    r = server_attach(s);
    if (r < 0) {
        s->options.fd = -1; /* still the caller's */
        return r;
    }
    *ret = TAKE_PTR(s);
    return 0;
}

struct server *server_free(struct server *s) {
    if (!s)
        return NULL;
    while (s->connections)
        server_drop(s, s->connections);
    sd_event_source_disable_unref(s->listener);
    sd_event_source_disable_unref(s->resume);
    sd_event_unref(s->event);
    fd_close(s->options.fd);
    free(s);
    return NULL;
}

void server_broadcast(struct server *s, enum topic topic, json_t *reply) {
    _cleanup_(freep) char *text = reply ? message_reply(reply, true) : NULL;

    json_decref(reply);
    for (struct connection *c = s->connections; c; c = c->next)
        if (c->topic == topic)
            connection_send_event(c, text, text ? strlen(text) : 0);
}

bool server_has_watchers(const struct server *s, enum topic topic) {
    for (const struct connection *c = s->connections; c; c = c->next)
        if (c->topic == topic)
            return true;
    return false;
}

bool server_has_resolver(const struct server *s, enum topic topic) {
    for (const struct connection *c = s->connections; c; c = c->next)
        if (c->topic == topic && is_resolver(s, &c->who))
            return true;
    return false;
}
