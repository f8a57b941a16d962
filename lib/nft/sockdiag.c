/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel tells of a socket what it is bound and connected to, not who began: that shows in
 * whether somebody listens on its port. */
#include "nft/sockdiag.h"

#include "engine/service.h"
#include "nft/attr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_SIZE 65536U
#define STATE(s)     (1U << (s))
/* Connected or becoming so or going: all but what has no other end. */
#define STATES                                                                                     \
    (STATE(TCP_ESTABLISHED) | STATE(TCP_SYN_SENT) | STATE(TCP_FIN_WAIT1) | STATE(TCP_FIN_WAIT2) |  \
     STATE(TCP_CLOSE_WAIT) | STATE(TCP_LAST_ACK) | STATE(TCP_CLOSING) | STATE(TCP_LISTEN))

/* A datagram socket that is bound and not connected has the state of a closed one. */
#define LISTENING(protocol) ((protocol) == PROTOCOL_TCP ? STATE(TCP_LISTEN) : STATE(TCP_CLOSE))

#define LOOPBACK_IFINDEX 1U /* include/net/flow.h of the kernel */

struct reader {
    struct open_connections found;
    struct listeners listeners;
    uint8_t protocol; /* of the dump that is being read */
    uint8_t listens[(UINT16_MAX + 1) / 8];
};

void open_connections_clear(struct open_connections *c) {
    free(c->items);
    *c = (struct open_connections){ 0 };
}

/* An IPv6 socket that speaks IPv4 has mapped addresses (RFC 4291 section 2.5.5.2). */
static bool is_mapped(const __be32 words[static 4]) {
    return words[0] == 0 && words[1] == 0 && words[2] == htonl(0xffff);
}

static bool is_loopback(const struct open_connection *c) {
    static const struct address loopback6 = { .bytes = { [15] = 1 } };

    if (c->family == FAMILY_IPV4)
        return c->remote.address.bytes[0] == 127;
    return address_compare(&c->remote.address, &loopback6) == 0 ||
           address_compare(&c->remote.address, &c->local.address) == 0;
}

static void ends_read(const struct inet_diag_msg *d, struct open_connection *c) {
    const __be32 *local = d->id.idiag_src, *remote = d->id.idiag_dst;

    c->family = d->idiag_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
    if (c->family == FAMILY_IPV6 && is_mapped(remote)) {
        c->family = FAMILY_IPV4;
        local += 3;
        remote += 3;
    }
    /* idiag_src and idiag_dst have room for IPv6 each; of a mapped one the last word counts */
    memcpy(c->local.address.bytes, local, family_size(c->family));
    memcpy(c->remote.address.bytes, remote, family_size(c->family));
    c->local.port = ntohs(d->id.idiag_sport);
    c->remote.port = ntohs(d->id.idiag_dport);
}

/* Room for one more behind the `n`: full at each power of two. NULL: the old ones stay. */
static void *items_grow(void *items, size_t n, size_t size) {
    return (n & (n - 1)) == 0 ? reallocarray(items, n ? n * 2 : 1, size) : items;
}

static int connection_add(struct reader *r, const struct inet_diag_msg *d) {
    struct open_connections *to = &r->found;
    struct open_connection c = { .protocol = r->protocol }, *items;

    ends_read(d, &c);
    if (c.remote.port == 0 || is_loopback(&c))
        return 0;
    if (to->n == OPEN_CONNECTIONS_MAX)
        return -E2BIG;
    items = items_grow(to->items, to->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    to->items = items;
    to->items[to->n++] = c;
    return 0;
}

static int on_socket(const struct nlmsghdr *nlh, void *userdata) {
    const struct inet_diag_msg *d = mnl_nlmsg_get_payload(nlh);
    struct reader *r = userdata;
    uint16_t port;
    int e;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*d) ||
        (d->idiag_family != AF_INET && d->idiag_family != AF_INET6))
        return MNL_CB_OK;
    if (d->idiag_state == TCP_LISTEN) {
        port = ntohs(d->id.idiag_sport);
        r->listens[port / 8] |= (uint8_t)(1U << port % 8);
        return MNL_CB_OK;
    }
    e = connection_add(r, d);
    if (e < 0) {
        errno = -e;
        return MNL_CB_ERROR;
    }
    return MNL_CB_OK;
}

/* --- who listens --- */

static bool is_any(const struct address *a) {
    static const struct address any = { 0 };

    return address_compare(a, &any) == 0;
}

static bool is_local(const struct inet_diag_msg *d, const struct listener *l) {
    static const struct address loopback6 = { .bytes = { [15] = 1 } };

    return d->id.idiag_if == LOOPBACK_IFINDEX ||
           (l->family == FAMILY_IPV4 ? l->address.bytes[0] == 127
                                     : address_compare(&l->address, &loopback6) == 0);
}

/* Kernels that don't tell of IPV6_V6ONLY (ipv6(7)) let us say more than there is. */
static void listener_read(const struct nlmsghdr *nlh, const struct inet_diag_msg *d,
                          struct listener *l) {
    const __be32 *local = d->id.idiag_src;
    bool is_v6only = false;
    const struct nlattr *attr;

    l->port = ntohs(d->id.idiag_sport);
    l->uid = d->idiag_uid;
    l->family = d->idiag_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4;
    if (l->family == FAMILY_IPV6 && is_mapped(local)) {
        l->family = FAMILY_IPV4;
        local += 3;
    }
    memcpy(l->address.bytes, local, family_size(l->family));
    mnl_attr_for_each(attr, nlh, sizeof(*d)) {
        if (mnl_attr_get_type(attr) == INET_DIAG_SKV6ONLY &&
            mnl_attr_validate(attr, MNL_TYPE_U8) == 0)
            is_v6only = mnl_attr_get_u8(attr) != 0;
        if (mnl_attr_get_type(attr) == INET_DIAG_CGROUP_ID &&
            mnl_attr_validate(attr, MNL_TYPE_U64) == 0)
            l->cgroup = mnl_attr_get_u64(attr);
    }
    l->takes_both = l->family == FAMILY_IPV6 && !is_v6only && is_any(&l->address);
}

static int listener_add(struct listeners *to, const struct listener *l) {
    struct listener *items;

    if (to->n == LISTENERS_MAX)
        return -E2BIG;
    items = items_grow(to->items, to->n, sizeof(*items));
    if (!items)
        return -ENOMEM;
    to->items = items;
    to->items[to->n++] = *l;
    return 0;
}

static int on_listener(const struct nlmsghdr *nlh, void *userdata) {
    const struct inet_diag_msg *d = mnl_nlmsg_get_payload(nlh);
    struct reader *r = userdata;
    struct listener l = { .protocol = r->protocol };
    int e;

    if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*d) ||
        (d->idiag_family != AF_INET && d->idiag_family != AF_INET6))
        return MNL_CB_OK;
    listener_read(nlh, d, &l);
    if (l.port == 0 || is_local(d, &l))
        return MNL_CB_OK;
    e = listener_add(&r->listeners, &l);
    if (e < 0) {
        errno = -e;
        return MNL_CB_ERROR;
    }
    return MNL_CB_OK;
}

/* --- asking --- */

static int dump(struct mnl_socket *nl, uint8_t family, uint8_t protocol, uint32_t states,
                mnl_cb_t each, struct reader *r) {
    uint8_t buffer[RECEIVE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
    struct inet_diag_req_v2 *request;
    ssize_t n;
    int e = MNL_CB_OK;

    nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
    nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request = mnl_nlmsg_put_extra_header(nlh, sizeof(*request));
    request->sdiag_family = family;
    request->sdiag_protocol = protocol;
    request->idiag_states = states;
    r->protocol = protocol;
    if (mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) < 0)
        return -errno;
    while (e == MNL_CB_OK) {
        n = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
        e = n < 0 ? MNL_CB_ERROR : mnl_cb_run(buffer, (size_t)n, 0, 0, each, r);
    }
    return e < 0 ? -errno : 0;
}

static int dump_all(bool listening, struct reader *r) {
    static const uint8_t families[] = { AF_INET, AF_INET6 };
    static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP };
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
    int e = 0;

    if (!nl)
        return -errno;
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        uint8_t protocol = protocols[i];
        uint32_t states = listening                  ? LISTENING(protocol)
                          : protocol == PROTOCOL_TCP ? STATES
                                                     : STATE(TCP_ESTABLISHED);

        for (size_t j = 0; j < ARRAY_SIZE(families) && e == 0; j++)
            e = dump(nl, families[j], protocol, states, listening ? on_listener : on_socket, r);
    }
    mnl_socket_close(nl);
    return e;
}

int sockdiag_read(struct open_connections *ret) {
    struct reader r = { 0 };
    int e = dump_all(false, &r);

    if (e < 0) {
        open_connections_clear(&r.found);
        return e;
    }
    for (size_t i = 0; i < r.found.n; i++) {
        struct open_connection *c = &r.found.items[i];

        c->is_inbound =
            c->protocol == PROTOCOL_TCP && r.listens[c->local.port / 8] & 1U << c->local.port % 8;
    }
    *ret = r.found;
    return 0;
}

int sockdiag_listeners(struct listeners *ret) {
    struct reader r = { 0 };
    int e = dump_all(true, &r);

    if (e < 0)
        free(r.listeners.items);
    else
        *ret = r.listeners;
    return e;
}
