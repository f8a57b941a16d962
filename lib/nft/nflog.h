/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_NFLOG_H
#define PORTD_NFT_NFLOG_H

#include "base/macros.h"
#include "engine/address.h"

#include <libmnl/libmnl.h>

/* Packets that a rule logged, as nfnetlink_log sends them (linux/netfilter/nfnetlink_log.h). */

/* Whether connection tracking knows the connection of a packet (enum ip_conntrack_info of
 * linux/netfilter/nf_conntrack_common.h). */
enum nflog_connection {
    NFLOG_ASKING, /* in the direction of who began it, or not tracked at all */
    NFLOG_ANSWERING,
    NFLOG_UNKNOWN, /* it belongs to none */
};

/* Numbers are in host order. What the packet doesn't show, or not within what was logged of it, is
 * zero, and its has_ flag is off. */
struct nflog_packet {
    uint16_t group;
    uint8_t hook; /* NF_INET_* of linux/netfilter.h */
    enum family family;
    struct address source, destination;
    uint32_t in_interface, out_interface; /* 0: none */
    uint8_t protocol;
    bool is_fragment; /* and not the first: its ports are in another packet */
    bool has_ports, has_asked_port, has_type, has_tcp_flags, has_sequence;
    uint16_t source_port, destination_port;
    uint16_t asked_port; /* to which the connection was begun, before any translation */
    uint8_t icmp_type;
    uint8_t tcp_flags;
    uint32_t length; /* of the whole packet from its IP header on */
    enum nflog_connection connection;
    uint32_t sequence; /* counts what was logged to the group */
};

/* Not a packet: some other message of the subsystem; a message that can't be read. */
enum { NFLOG_E_OTHER = 1, NFLOG_E_BROKEN = 2 };

/* Reads one whole message (message_is_whole()), whatever is in it. `knows_connections` as
 * nflog_open() said. Keeps nothing, allocates nothing. 0, NFLOG_E_OTHER or NFLOG_E_BROKEN. */
int nflog_parse(const struct nlmsghdr *nlh, bool knows_connections, struct nflog_packet *ret);

/* A socket that receives what is logged to these groups, non-blocking; reading it needs no right.
 * One datagram has up to NFLOG_BATCH packets and comes at the latest NFLOG_DELAY_MSEC after the
 * first of them. *ret_knows_connections: messages say what connection tracking knows.
 * -EBUSY: another program has one of the groups (or CAP_NET_ADMIN is missing); -EOPNOTSUPP: this
 * kernel has no nfnetlink_log. */
#define NFLOG_BATCH         16
#define NFLOG_DELAY_MSEC    100
#define NFLOG_DATAGRAM_SIZE 8192U
int nflog_open(const uint16_t *groups, size_t n, int *ret_fd, bool *ret_knows_connections);

#endif
