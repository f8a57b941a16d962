/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_SERVER_H
#define PORTD_DAEMON_SERVER_H

#include "daemon/call.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* The Varlink server: interface io.portd with the caller's methods, and org.varlink.service. It
 * never blocks. Each turn of the event loop handles at most one call a connection, at a priority
 * behind everything else, so that clients can't keep the daemon from its work.
 *
 * A client that breaks the protocol or a ceiling is disconnected without a word. */
struct server;

#define SERVER_PRIORITY          (SD_EVENT_PRIORITY_NORMAL + 10)
#define SERVER_CONNECTIONS_MAX   64U                      /* besides those kept for uid 0 */
#define SERVER_CONNECTIONS_A_UID 8U                       /* uid 0 too, besides … */
#define SERVER_CONNECTIONS_ROOT  8U                       /* … these, which it always gets */
#define SERVER_IDLE_USEC         ((uint64_t)30 * 1000000) /* default of server_options.idle_usec */
#define SERVER_BACKLOG_MAX       ((size_t)256 << 10) /* bytes that a watcher may leave unread */

struct server_options {
    int fd;           /* listening; the server owns it once server_new() succeeded */
    gid_t read_group; /* (gid_t)-1: none */
    uid_t resolver;   /* (uid_t)-1: none */
    const struct method *methods;
    size_t n_methods;
    void *userdata; /* of the handlers */
    /* A call must have come whole within this time of connecting or of the last answer, and an
     * answer must have been read within it. 0: the default. A watcher with nothing to read is
     * not idle. */
    uint64_t idle_usec;
};

/* Attaches to the loop. `o->methods` is borrowed. 0 or -errno. */
int server_new(sd_event *event, const struct server_options *o, struct server **ret);
/* Disconnects all; not to be called by a handler. */
struct server *server_free(struct server *s);
DEFINE_CLEANUP(struct server *, server_free);

/* Sends `reply`, the parameters of a reply, to all who watch the topic; takes its reference. A
 * watcher that has left too much unread, or for whom memory is out, is disconnected. */
void server_broadcast(struct server *s, enum topic topic, json_t *reply);

/* Whether anybody watches the topic; whether the resolver does. */
bool server_has_watchers(const struct server *s, enum topic topic);
bool server_has_resolver(const struct server *s, enum topic topic);

#endif
