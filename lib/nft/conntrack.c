/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries through ctnetlink (linux/netfilter/nfnetlink_conntrack.h), one message each: a few
 * microseconds, and one that fails keeps nobody else from being known. */
#include "nft/conntrack.h"

#include "engine/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <string.h>
#include <sys/socket.h>

#define MESSAGE_SIZE 1024U
/* Until the first packet sets the kernel's own: as long as connection tracking keeps an idle
 * connection, nf_conntrack_tcp_timeout_established and _udp_timeout_stream of
 * Documentation/networking/nf_conntrack-sysctl.rst. */
#define TCP_TIMEOUT 432000U
#define UDP_TIMEOUT 120U

static void put_address(struct nlmsghdr *nlh, enum family f, uint16_t v4, uint16_t v6,
                        const struct address *a) {
    mnl_attr_put(nlh, f == FAMILY_IPV4 ? v4 : v6, family_size(f), a->bytes);
}

static void put_tuple(struct nlmsghdr *nlh, uint16_t type, const struct open_connection *c,
                      const struct connection_end *from, const struct connection_end *to) {
    struct nlattr *tuple = mnl_attr_nest_start(nlh, type);
    struct nlattr *nest = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);

    put_address(nlh, c->family, CTA_IP_V4_SRC, CTA_IP_V6_SRC, &from->address);
    put_address(nlh, c->family, CTA_IP_V4_DST, CTA_IP_V6_DST, &to->address);
    mnl_attr_nest_end(nlh, nest);
    nest = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
    mnl_attr_put_u8(nlh, CTA_PROTO_NUM, c->protocol);
    mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(from->port));
    mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(to->port));
    mnl_attr_nest_end(nlh, nest);
    mnl_attr_nest_end(nlh, tuple);
}

/* Its sequence numbers were never seen: they are not held against it. */
static void put_tcp(struct nlmsghdr *nlh) {
    const struct nf_ct_tcp_flags liberal = { IP_CT_TCP_FLAG_BE_LIBERAL, IP_CT_TCP_FLAG_BE_LIBERAL };
    struct nlattr *info = mnl_attr_nest_start(nlh, CTA_PROTOINFO);
    struct nlattr *tcp = mnl_attr_nest_start(nlh, CTA_PROTOINFO_TCP);

    mnl_attr_put_u8(nlh, CTA_PROTOINFO_TCP_STATE, TCP_CONNTRACK_ESTABLISHED);
    mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_ORIGINAL, sizeof(liberal), &liberal);
    mnl_attr_put(nlh, CTA_PROTOINFO_TCP_FLAGS_REPLY, sizeof(liberal), &liberal);
    mnl_attr_nest_end(nlh, tcp);
    mnl_attr_nest_end(nlh, info);
}

static struct nlmsghdr *entry(uint8_t buffer[static MESSAGE_SIZE],
                              const struct open_connection *c) {
    const struct connection_end *first = c->is_inbound ? &c->remote : &c->local;
    const struct connection_end *second = c->is_inbound ? &c->local : &c->remote;
    bool is_tcp = c->protocol == PROTOCOL_TCP;
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *nfg;

    nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    *nfg = (struct nfgenmsg){ .nfgen_family = c->family == FAMILY_IPV4 ? AF_INET : AF_INET6,
                              .version = NFNETLINK_V0 };
    put_tuple(nlh, CTA_TUPLE_ORIG, c, first, second);
    put_tuple(nlh, CTA_TUPLE_REPLY, c, second, first);
    mnl_attr_put_u32(nlh, CTA_STATUS, htonl(IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED));
    mnl_attr_put_u32(nlh, CTA_TIMEOUT, htonl(is_tcp ? TCP_TIMEOUT : UDP_TIMEOUT));
    if (is_tcp)
        put_tcp(nlh);
    return nlh;
}

/* What the kernel answers to one message. */
static int transact(struct mnl_socket *nl, const struct nlmsghdr *nlh) {
    uint8_t buffer[MESSAGE_SIZE] __attribute__((aligned(8)));
    const struct nlmsghdr *answer = (const struct nlmsghdr *)buffer;
    const struct nlmsgerr *e;
    ssize_t n;

    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
    if (n < 0)
        return -errno;
    if ((size_t)n < MNL_NLMSG_HDRLEN + sizeof(*e) || answer->nlmsg_type != NLMSG_ERROR)
        return -EBADMSG;
    e = mnl_nlmsg_get_payload(answer);
    return e->error;
}

static int add_all(struct mnl_socket *nl, const struct open_connections *from, size_t *ret_n) {
    uint8_t buffer[MESSAGE_SIZE] __attribute__((aligned(8)));
    int r = 0;

    *ret_n = 0;
    for (size_t i = 0; i < from->n; i++) {
        int e = transact(nl, entry(buffer, &from->items[i]));

        *ret_n += e == 0 || e == -EEXIST;
        if (e < 0 && e != -EEXIST)
            r = e;
    }
    return *ret_n > 0 ? 0 : r;
}

int conntrack_add(const struct open_connections *connections, size_t *ret_n) {
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int r;

    if (!nl)
        return -errno;
    r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : add_all(nl, connections, ret_n);
    mnl_socket_close(nl);
    return r;
}
