/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_LOOKUP_H
#define PORTD_RESOLVER_LOOKUP_H

#include "outcome.h"

#include <systemd/sd-event.h>

/* Asks for the addresses of one name: /etc/hosts first, then the servers of /etc/resolv.conf, both
 * as they are at this moment. The name is asked for as it is, without a search list. */
struct lookup;

#define LOOKUP_TRY_MSEC    2000U /* for an answer of one server … */
#define LOOKUP_TRIES       2U    /* … which is asked so often … */
#define LOOKUP_SERVERS_MAX 3U    /* … and so many of them get all this time (resolv.conf(5)) */
/* How long a line of /etc/hosts holds: nobody announces its changes. */
#define LOOKUP_HOSTS_TTL_SEC 10U

/* Called once, from the loop; it may take what `o` holds, and has to free the lookup. */
typedef void (*lookup_handler)(struct lookup *l, struct outcome *o, void *userdata);

/* 0 or -errno. */
int lookup_new(sd_event *event, const char *name, lookup_handler handler, void *userdata,
               struct lookup **ret);
struct lookup *lookup_free(struct lookup *l);
DEFINE_CLEANUP(struct lookup *, lookup_free);

const char *lookup_name(const struct lookup *l);

#endif
