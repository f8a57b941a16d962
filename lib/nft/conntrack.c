/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries through ctnetlink (linux/netfilter/nfnetlink_conntrack.h), one message each: a few
 * microseconds, and one that fails keeps nobody else from being known. */
#include "nft/conntrack.h"

#include "engine/service.h"
#include "nft/attr.h"

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
#define RECEIVE_SIZE 65536U
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

/* --- reading --- */

struct reading {
    conntrack_each each;
    void *userdata;
};

static bool address_read(const struct nlattr *v4, const struct nlattr *v6, enum family f,
                         struct address *ret) {
    const struct nlattr *a = f == FAMILY_IPV4 ? v4 : v6;

    if (!a || mnl_attr_get_payload_len(a) != family_size(f))
        return false;
    *ret = (struct address){ 0 };
    memcpy(ret->bytes, mnl_attr_get_payload(a), family_size(f));
    return true;
}

static bool tuple_read(const struct nlattr *tuple, struct tracked *t, struct endpoint *from,
                       struct endpoint *to) {
    struct attrs all, ip, proto;

    return tuple && attrs_of_nest(tuple, &all) && all.by_type[CTA_TUPLE_IP] &&
           all.by_type[CTA_TUPLE_PROTO] && attrs_of_nest(all.by_type[CTA_TUPLE_IP], &ip) &&
           attrs_of_nest(all.by_type[CTA_TUPLE_PROTO], &proto) &&
           address_read(ip.by_type[CTA_IP_V4_SRC], ip.by_type[CTA_IP_V6_SRC], t->family,
                        &from->address) &&
           address_read(ip.by_type[CTA_IP_V4_DST], ip.by_type[CTA_IP_V6_DST], t->family,
                        &to->address) &&
           attr_u8(proto.by_type[CTA_PROTO_NUM], &t->protocol) &&
           attr_u16(proto.by_type[CTA_PROTO_SRC_PORT], &from->port) &&
           attr_u16(proto.by_type[CTA_PROTO_DST_PORT], &to->port);
}

static bool tcp_is_open(const struct nlattr *info) {
    struct attrs protocols, tcp;
    uint8_t state;

    if (!info || !attrs_of_nest(info, &protocols) || !protocols.by_type[CTA_PROTOINFO_TCP] ||
        !attrs_of_nest(protocols.by_type[CTA_PROTOINFO_TCP], &tcp) ||
        !attr_u8(tcp.by_type[CTA_PROTOINFO_TCP_STATE], &state))
        return false;
    return state >= TCP_CONNTRACK_SYN_RECV && state <= TCP_CONNTRACK_LAST_ACK;
}

static bool entry_read(const struct nlmsghdr *nlh, struct tracked *ret) {
    const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
    struct tracked t = { 0 };
    struct attrs all;
    bool is_open;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg) || !attrs_of_message(nlh, &all) ||
        (nfg->nfgen_family != AF_INET && nfg->nfgen_family != AF_INET6))
        return false;
    t.family = nfg->nfgen_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
    if (!tuple_read(all.by_type[CTA_TUPLE_ORIG], &t, &t.source, &t.destination) ||
        !tuple_read(all.by_type[CTA_TUPLE_REPLY], &t, &t.answerer, &t.answered) ||
        !attr_u32(all.by_type[CTA_STATUS], &t.status))
        return false;
    is_open = t.protocol == PROTOCOL_TCP
                  ? tcp_is_open(all.by_type[CTA_PROTOINFO])
                  : protocol_has_ports(t.protocol) && t.status & IPS_SEEN_REPLY;
    *ret = t;
    return is_open;
}

/* Entries of other protocols, and those of a form that we can't mean, are none of ours. */
static int on_entry(const struct nlmsghdr *nlh, void *userdata) {
    const struct reading *r = userdata;
    struct tracked t;
    int e = entry_read(nlh, &t) ? r->each(&t, r->userdata) : 0;

    errno = -e;
    return e < 0 ? MNL_CB_ERROR : MNL_CB_OK;
}

static int dump(struct mnl_socket *nl, struct reading *r) {
    uint8_t buffer[RECEIVE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct nfgenmsg *nfg;
    int e = MNL_CB_OK;

    nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_GET;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    *nfg = (struct nfgenmsg){ .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0 };
    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    while (e == MNL_CB_OK) {
        ssize_t n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));

        if (n < 0)
            return -errno;
        e = mnl_cb_run(buffer, (size_t)n, 0, 0, on_entry, r);
    }
    return e < 0 ? -errno : 0;
}

int conntrack_read(conntrack_each each, void *userdata) {
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    struct reading reading = { each, userdata };
    int r;

    if (!nl)
        return -errno;
    r = mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : dump(nl, &reading);
    mnl_socket_close(nl);
    return r;
}
