/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CONNECTION_H
#define PORTD_DAEMON_CONNECTION_H

#include "daemon/call.h"
#include "daemon/credentials.h"
#include "varlink/frame.h"
#include "varlink/message.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* What server.c, connection.c and call.c share; nobody else includes it. */

struct connection {
    struct connection *previous, *next; /* of the server's list */
    struct server *server;
    int fd;
    struct credentials who;
    struct frame_input in;
    struct frame_output out;
    sd_event_source *io, *deadline;
    uint64_t idle_usec;
    enum topic topic; /* TOPIC_NONE: it asks, one call after the other */
};

struct call {
    struct connection *connection;
    struct message message;
    bool is_answered;
};

/* Takes over `fd`. */
int connection_new(struct server *s, sd_event *event, int fd, const struct credentials *who,
                   uint64_t idle_usec, struct connection **ret);
struct connection *connection_free(struct connection *c);

/* Queues a text for a watcher, or hangs up on it when it reads too slowly or when there is no text
 * (memory was out); a later turn of the loop frees it. */
void connection_send_event(struct connection *c, const char *text, size_t size);

/* Of server.c: handles a call and leaves the answer in the connection's output. Negative: the
 * connection is of no use any more. */
int server_dispatch(struct server *s, struct call *c);
/* The connection ends: forgets and frees it. */
void server_drop(struct server *s, struct connection *c);

/* Of introspection.c: the methods of org.varlink.service. */
#define INTROSPECTION_METHODS 2U
extern const struct method introspection_methods[INTROSPECTION_METHODS];

#endif
