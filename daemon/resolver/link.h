/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_LINK_H
#define PORTD_RESOLVER_LINK_H

#include "base/macros.h"
#include "varlink/message.h"

#include <stdint.h>
#include <systemd/sd-event.h>

/* A Varlink connection to portd that never blocks: calls go out, each reply is handed on. */
struct link;

/* A reply came (`error` 0), or the link is of no use any more (-errno: -ECONNRESET: portd hung up,
 * -ETIMEDOUT: no reply within the time, -EPROTO: nonsense or too large). The handler may free the
 * link. */
typedef void (*link_handler)(struct link *l, int error, const struct message *reply,
                             void *userdata);

/* Connects at once or not at all (-errno: -ENOENT and -ECONNREFUSED: nobody listens there,
 * -EAGAIN: portd takes no connections). A reply has at most `max` bytes. */
int link_new(sd_event *event, const char *path, size_t max, link_handler handler, void *userdata,
             struct link **ret);
struct link *link_free(struct link *l);
DEFINE_CLEANUP(struct link *, link_free);

/* Sends a call, whose text it takes (NULL: memory was out); the first reply has to be whole within
 * `timeout_usec`. -ENOMEM or 0; what goes wrong later is the handler's to hear. */
int link_call(struct link *l, char *text, uint64_t timeout_usec);

#endif
