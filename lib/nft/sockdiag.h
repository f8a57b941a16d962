/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_SOCKDIAG_H
#define PORTD_NFT_SOCKDIAG_H

#include "base/macros.h"
#include "engine/address.h"
#include "engine/listening.h"

/* The TCP and UDP connections of this network namespace that a local socket is one end of
 * (sock_diag(7)). Those over loopback are left out. */
struct connection_end {
    struct address address;
    uint16_t port; /* host order */
};

struct open_connection {
    enum family family;
    uint8_t protocol; /* PROTOCOL_TCP, PROTOCOL_UDP */
    struct connection_end local, remote;
    bool is_inbound; /* somebody else began it: a local socket listens on the port */
};

struct open_connections {
    struct open_connection *items;
    size_t n;
};

/* At most OPEN_CONNECTIONS_MAX of them. 0 or -errno. */
#define OPEN_CONNECTIONS_MAX 1000000U
int sockdiag_read(struct open_connections *ret);
void open_connections_clear(struct open_connections *c);

/* The sockets of TCP and UDP that somebody else can ask, without units; those that only this host
 * itself reaches (loopback) are left out. At most LISTENERS_MAX. 0 or -errno. Free the items. */
#define LISTENERS_MAX 100000U
int sockdiag_listeners(struct listeners *ret);

#endif
