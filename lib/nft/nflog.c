/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload was written by whoever sent the packet, and is cut where the rule said so: every
 * step looks first whether the bytes are there, and a packet that shows less than another is a
 * packet with less in its record. */
#include "nft/nflog.h"

#include "engine/service.h"
#include "nft/attr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_SIZE   512U
#define RECEIVE_BUFFER (1 << 20)
#define COPY_RANGE     128U /* unless the rule logs less (snaplen) */
#define EXTENSIONS_MAX 8U   /* of IPv6 headers, more than any that means something has */

/* What is left of a packet to be read. */
struct view {
    const uint8_t *bytes;
    size_t n;
};

static bool view_skip(struct view *v, size_t n) {
    if (v->n < n)
        return false;
    v->bytes += n;
    v->n -= n;
    return true;
}

static uint16_t read_u16(const uint8_t *bytes) {
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* RFC 791 section 3.1. */
static bool ipv4_read(struct view *v, struct nflog_packet *p) {
    size_t size;

    if (v->n < 20 || v->bytes[0] >> 4 != 4)
        return false;
    size = (size_t)(v->bytes[0] & 15) * 4;
    if (size < 20)
        return false;
    p->length = read_u16(v->bytes + 2);
    p->is_fragment = (read_u16(v->bytes + 6) & 0x1fff) != 0;
    p->protocol = v->bytes[9];
    memcpy(p->source.bytes, v->bytes + 12, 4);
    memcpy(p->destination.bytes, v->bytes + 16, 4);
    if (!view_skip(v, size))
        v->n = 0; /* its options reach beyond what was logged */
    return true;
}

/* Headers that stand between IPv6 and the protocol: RFC 8200 section 4, RFC 4302, RFC 6275,
 * RFC 7401, RFC 5533. */
enum {
    HEADER_HOP_BY_HOP = 0,
    HEADER_ROUTING = 43,
    HEADER_FRAGMENT = 44,
    HEADER_AUTHENTICATION = 51,
    HEADER_DESTINATION = 60,
    HEADER_MOBILITY = 135,
    HEADER_HOST_IDENTITY = 139,
    HEADER_SHIM6 = 140,
};

static size_t extension_size(uint8_t type, const struct view *v) {
    switch (type) {
    case HEADER_HOP_BY_HOP:
    case HEADER_ROUTING:
    case HEADER_DESTINATION:
    case HEADER_MOBILITY:
    case HEADER_HOST_IDENTITY:
    case HEADER_SHIM6:
        return v->n < 2 ? SIZE_MAX : ((size_t)v->bytes[1] + 1) * 8;
    case HEADER_AUTHENTICATION:
        return v->n < 2 ? SIZE_MAX : ((size_t)v->bytes[1] + 2) * 4;
    case HEADER_FRAGMENT:
        return 8;
    default:
        return 0;
    }
}

/* Steps over the headers to the protocol. Where that isn't in sight the packet's protocol is the
 * header that hides it. */
static void extensions_skip(struct view *v, struct nflog_packet *p) {
    for (unsigned i = 0; i < EXTENSIONS_MAX; i++) {
        size_t size = extension_size(p->protocol, v);
        uint8_t next;

        if (size == 0)
            return;
        if (v->n < 8 || v->n < size)
            break;
        if (p->protocol == HEADER_FRAGMENT)
            p->is_fragment |= (read_u16(v->bytes + 2) & 0xfff8) != 0;
        next = v->bytes[0];
        (void)view_skip(v, size);
        p->protocol = next;
        if (p->is_fragment)
            return; /* what follows is the middle of something */
    }
    v->n = 0;
}

/* RFC 8200 section 3. */
static bool ipv6_read(struct view *v, struct nflog_packet *p) {
    if (v->n < 40 || v->bytes[0] >> 4 != 6)
        return false;
    p->length = 40U + read_u16(v->bytes + 4);
    p->protocol = v->bytes[6];
    memcpy(p->source.bytes, v->bytes + 8, 16);
    memcpy(p->destination.bytes, v->bytes + 24, 16);
    (void)view_skip(v, 40);
    extensions_skip(v, p);
    return true;
}

static void transport_read(const struct view *v, struct nflog_packet *p) {
    if (p->is_fragment)
        return;
    if (protocol_has_ports(p->protocol) && v->n >= 4) {
        p->has_ports = true;
        p->source_port = read_u16(v->bytes);
        p->destination_port = read_u16(v->bytes + 2);
    }
    if (p->protocol == PROTOCOL_TCP && v->n >= 14) {
        p->has_tcp_flags = true;
        p->tcp_flags = v->bytes[13];
    }
    if ((p->protocol == PROTOCOL_ICMP || p->protocol == PROTOCOL_ICMPV6) && v->n >= 1) {
        p->has_type = true;
        p->icmp_type = v->bytes[0];
    }
}

static bool payload_read(const struct nlattr *a, struct nflog_packet *p) {
    struct view v = { 0 };

    if (!a)
        return false;
    v.bytes = mnl_attr_get_payload(a);
    v.n = mnl_attr_get_payload_len(a);
    if (!(p->family == FAMILY_IPV4 ? ipv4_read(&v, p) : ipv6_read(&v, p)))
        return false;
    transport_read(&v, p);
    return true;
}

/* Without an entry a packet of a protocol with ports belongs to no connection; what has no ports
 * is often not tracked (neighbour discovery). */
static enum nflog_connection connection_read(const struct nlattr *info, bool knows_connections,
                                             const struct nflog_packet *p) {
    uint32_t number;

    if (attr_u32(info, &number))
        return number == IP_CT_ESTABLISHED_REPLY || number == IP_CT_RELATED_REPLY ? NFLOG_ANSWERING
                                                                                  : NFLOG_ASKING;
    return knows_connections && protocol_has_ports(p->protocol) ? NFLOG_UNKNOWN : NFLOG_ASKING;
}

/* Of the entry's first tuple, which is as the connection was asked for. */
static void asked_read(const struct nlattr *entry, struct nflog_packet *p) {
    struct attrs attrs;

    if (attrs_of_nest(entry, &attrs) && attrs_of_nest(attrs.by_type[CTA_TUPLE_ORIG], &attrs) &&
        attrs_of_nest(attrs.by_type[CTA_TUPLE_PROTO], &attrs))
        p->has_asked_port = attr_u16(attrs.by_type[CTA_PROTO_DST_PORT], &p->asked_port);
}

int nflog_parse(const struct nlmsghdr *nlh, bool knows_connections, struct nflog_packet *ret) {
    struct nflog_packet p = { 0 };
    const struct nfulnl_msg_packet_hdr *header;
    const struct nfgenmsg *nfg;
    const struct nlattr *a;
    struct attrs attrs;

    if (nlh->nlmsg_type != (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET))
        return NFLOG_E_OTHER;
    if (!attrs_of_message(nlh, &attrs))
        return NFLOG_E_BROKEN;
    nfg = mnl_nlmsg_get_payload(nlh);
    if (nfg->nfgen_family != AF_INET && nfg->nfgen_family != AF_INET6)
        return NFLOG_E_BROKEN;
    p.family = nfg->nfgen_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    p.group = ntohs(nfg->res_id);
    a = attrs.by_type[NFULA_PACKET_HDR];
    if (!a || mnl_attr_get_payload_len(a) < sizeof(*header))
        return NFLOG_E_BROKEN;
    header = mnl_attr_get_payload(a);
    p.hook = header->hook;
    p.in_interface = attr_u32_or(attrs.by_type[NFULA_IFINDEX_INDEV], 0);
    p.out_interface = attr_u32_or(attrs.by_type[NFULA_IFINDEX_OUTDEV], 0);
    p.has_sequence = attr_u32(attrs.by_type[NFULA_SEQ], &p.sequence);
    if (!payload_read(attrs.by_type[NFULA_PAYLOAD], &p))
        return NFLOG_E_BROKEN;
    p.connection = connection_read(attrs.by_type[NFULA_CT_INFO], knows_connections, &p);
    if (p.has_ports)
        asked_read(attrs.by_type[NFULA_CT], &p);
    *ret = p;
    return 0;
}

static struct nlmsghdr *config_begin(uint8_t buffer[static MESSAGE_SIZE], uint16_t group) {
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *nfg;

    nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    *nfg = (struct nfgenmsg){ .version = NFNETLINK_V0, .res_id = htons(group) };
    return nlh;
}

/* What the kernel answers. Packets of a group that is bound already may come before. */
static int config_send(struct mnl_socket *nl, const struct nlmsghdr *request) {
    uint8_t buffer[NFLOG_DATAGRAM_SIZE * 2] __attribute__((aligned(8)));
    const struct nlmsghdr *answer = (const struct nlmsghdr *)buffer;
    const struct nlmsgerr *e;
    ssize_t n;

    if (mnl_socket_sendto(nl, request, request->nlmsg_len) < 0)
        return -errno;
    do
        n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
    while ((n < 0 && errno == ENOBUFS) || (n > 0 && answer->nlmsg_type != NLMSG_ERROR));
    if (n < 0)
        return -errno;
    if ((size_t)n < MNL_NLMSG_HDRLEN + sizeof(*e))
        return -EBADMSG;
    e = mnl_nlmsg_get_payload(answer);
    return e->error;
}

/* A kernel without the subsystem calls any of its messages invalid, one with it those about a
 * group of somebody else's not permitted. */
static int group_bind(struct mnl_socket *nl, uint16_t group) {
    const struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
    uint8_t buffer[MESSAGE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = config_begin(buffer, group);
    int r;

    mnl_attr_put(nlh, NFULA_CFG_CMD, sizeof(bind), &bind);
    r = config_send(nl, nlh);
    if (r == -EINVAL)
        return -EOPNOTSUPP;
    return r == -EPERM ? -EBUSY : r;
}

static int group_set_flags(struct mnl_socket *nl, uint16_t group, uint16_t flags) {
    uint8_t buffer[MESSAGE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = config_begin(buffer, group);

    mnl_attr_put_u16(nlh, NFULA_CFG_FLAGS, htons(flags));
    return config_send(nl, nlh);
}

static int group_configure(struct mnl_socket *nl, uint16_t group) {
    const struct nfulnl_msg_config_mode mode = { .copy_range = htonl(COPY_RANGE),
                                                 .copy_mode = NFULNL_COPY_PACKET };
    uint8_t buffer[MESSAGE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = config_begin(buffer, group);

    mnl_attr_put(nlh, NFULA_CFG_MODE, sizeof(mode), &mode);
    mnl_attr_put_u32(nlh, NFULA_CFG_NLBUFSIZ, htonl(NFLOG_DATAGRAM_SIZE));
    mnl_attr_put_u32(nlh, NFULA_CFG_TIMEOUT, htonl(NFLOG_DELAY_MSEC / 10)); /* hundredths */
    mnl_attr_put_u32(nlh, NFULA_CFG_QTHRESH, htonl(NFLOG_BATCH));
    return config_send(nl, nlh);
}

/* A kernel without ctnetlink refuses to say what it knows of connections; -EAGAIN: it has loaded
 * it just now. */
static int group_open(struct mnl_socket *nl, uint16_t group, bool *knows_connections) {
    int r = group_bind(nl, group);

    if (r == 0)
        r = group_configure(nl, group);
    if (r < 0)
        return r;
    do
        r = group_set_flags(nl, group, NFULNL_CFG_F_SEQ | NFULNL_CFG_F_CONNTRACK);
    while (r == -EAGAIN);
    if (r == 0)
        return 0;
    *knows_connections = false;
    return group_set_flags(nl, group, NFULNL_CFG_F_SEQ);
}

static int groups_open(struct mnl_socket *nl, const uint16_t *groups, size_t n,
                       bool *knows_connections) {
    int size = RECEIVE_BUFFER, r = 0;

    if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    (void)setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    *knows_connections = true;
    for (size_t i = 0; i < n && r == 0; i++)
        r = group_open(nl, groups[i], knows_connections);
    if (r == 0 && fcntl(mnl_socket_get_fd(nl), F_SETFL, O_NONBLOCK) < 0)
        r = -errno;
    return r;
}

int nflog_open(const uint16_t *groups, size_t n, int *ret_fd, bool *ret_knows_connections) {
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int r;

    if (!nl)
        return errno == EPROTONOSUPPORT ? -EOPNOTSUPP : -errno;
    r = groups_open(nl, groups, n, ret_knows_connections);
    if (r == 0) {
        *ret_fd = fcntl(mnl_socket_get_fd(nl), F_DUPFD_CLOEXEC, 0);
        r = *ret_fd < 0 ? -errno : 0;
    }
    mnl_socket_close(nl);
    return r;
}
