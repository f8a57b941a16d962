/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netfilter's transport. A dump needs a large receive buffer (with 8 KB it takes up to four times
 * as long), a transaction a send buffer as large as itself, and its answers are read without
 * waiting, because netlink has answered when sendmsg() returns. */
#include "nft/socket.h"

#include "nft/attr.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_SIZE   65536U
#define RECEIVE_BUFFER (1 << 20)
#define SEND_MARGIN    4096U /* the kernel keeps some of the send buffer for itself */

struct nft_socket {
    struct mnl_socket *mnl;
    uint32_t sequence;
    size_t send_size; /* SO_SNDBUF as last set */
    uint8_t buffer[RECEIVE_SIZE] __attribute__((aligned(8)));
};

/* Refused or unknown (an old kernel): we lose the detail of an error, nothing else. */
static void socket_set_flag(struct nft_socket *s, int option) {
    int on = 1;

    mnl_socket_setsockopt(s->mnl, option, &on, sizeof(on));
}

/* What was left in it by whoever had it before is not for us. */
static int socket_adopt(struct nft_socket *s, int fd) {
    ssize_t n;

    s->mnl = mnl_socket_fdopen(fd);
    if (!s->mnl) {
        int r = -errno;

        fd_close(fd);
        return r;
    }
    do
        n = recv(fd, s->buffer, sizeof(s->buffer), MSG_DONTWAIT);
    while (n >= 0 || errno == EINTR || errno == ENOBUFS);
    return 0;
}

static int socket_bind(struct nft_socket *s, uint32_t port_id) {
    s->mnl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    if (!s->mnl || mnl_socket_bind(s->mnl, 0, (pid_t)port_id) < 0)
        return -errno;
    return 0;
}

int nft_socket_open(int fd, uint32_t port_id, struct nft_socket **ret) {
    _cleanup_(nft_socket_freep) struct nft_socket *s = calloc(1, sizeof(*s));
    int size = RECEIVE_BUFFER, r;

    if (!s) {
        fd_close(fd);
        return -ENOMEM;
    }
    r = fd >= 0 ? socket_adopt(s, fd) : socket_bind(s, port_id);
    if (r < 0)
        return r;
    socket_set_flag(s, NETLINK_EXT_ACK);
    socket_set_flag(s, NETLINK_CAP_ACK);
    setsockopt(mnl_socket_get_fd(s->mnl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    s->sequence = 1;
    *ret = TAKE_PTR(s);
    return 0;
}

struct nft_socket *nft_socket_free(struct nft_socket *s) {
    if (!s)
        return NULL;
    if (s->mnl)
        mnl_socket_close(s->mnl);
    free(s);
    return NULL;
}

int nft_socket_fd(const struct nft_socket *s) {
    return mnl_socket_get_fd(s->mnl);
}

uint32_t nft_socket_port_id(const struct nft_socket *s) {
    return mnl_socket_get_portid(s->mnl);
}

uint32_t nft_socket_sequence(struct nft_socket *s, uint32_t n) {
    uint32_t first = s->sequence;

    s->sequence += n;
    return first;
}

/* As many bytes as wait, of the kernel alone (port id 0). */
static ssize_t socket_receive(struct nft_socket *s) {
    struct sockaddr_nl from = { 0 };
    struct iovec iov = { .iov_base = s->buffer, .iov_len = sizeof(s->buffer) };
    struct msghdr msg = {
        .msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &iov, .msg_iovlen = 1
    };
    ssize_t n;

    do {
        n = recvmsg(mnl_socket_get_fd(s->mnl), &msg, MSG_DONTWAIT);
    } while ((n < 0 && errno == EINTR) || (n >= 0 && from.nl_pid != 0));
    if (n < 0)
        return -errno;
    return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE : n;
}

struct answer {
    uint32_t sequence;
    nft_socket_each each;
    void *userdata;
    int error; /* the first; what follows is read away, else the next request would meet it */
    bool has_ended;
};

static void answer_note(struct answer *a, int error) {
    if (a->error == 0 && error < 0)
        a->error = error;
}

/* NLMSG_ERROR and NLMSG_DONE both begin with an error number, 0 for none. */
static void answer_end(struct answer *a, const struct nlmsghdr *nlh) {
    int error = 0;

    if (mnl_nlmsg_get_payload_len(nlh) >= sizeof(error))
        memcpy(&error, mnl_nlmsg_get_payload(nlh), sizeof(error));
    answer_note(a, error);
    a->has_ended = true;
}

static void answer_message(struct answer *a, const struct nlmsghdr *nlh) {
    if (nlh->nlmsg_seq != a->sequence)
        return; /* left over from an answer of which a part was lost */
    if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
        answer_note(a, -EINTR);
    if (nlh->nlmsg_type == NLMSG_DONE || nlh->nlmsg_type == NLMSG_ERROR)
        answer_end(a, nlh);
    else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && a->error == 0)
        answer_note(a, a->each(nlh, a->userdata));
}

/* Never waits: each recvmsg() makes the kernel put the next piece of a dump in the queue, so an
 * empty queue before the end means that something was lost. */
static int answer_read(struct nft_socket *s, struct answer *a) {
    while (!a->has_ended) {
        ssize_t n = socket_receive(s);
        const struct nlmsghdr *nlh = (const struct nlmsghdr *)s->buffer;
        int left = (int)n;

        if (n == -EAGAIN) {
            answer_note(a, -ENOBUFS);
            break;
        }
        if (n < 0)
            answer_note(a, (int)n);
        if (n < 0 && n != -ENOBUFS && n != -EMSGSIZE)
            break;
        for (; n > 0 && message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
            answer_message(a, nlh);
    }
    return a->error;
}

int nft_socket_request(struct nft_socket *s, struct nlmsghdr *request, nft_socket_each each,
                       void *userdata) {
    struct answer a = { .each = each, .userdata = userdata };

    a.sequence = request->nlmsg_seq = nft_socket_sequence(s, 1);
    if ((request->nlmsg_flags & NLM_F_DUMP) != NLM_F_DUMP)
        request->nlmsg_flags |= NLM_F_ACK; /* so that every answer has an end */
    if (mnl_socket_sendto(s->mnl, request, request->nlmsg_len) < 0)
        return -errno;
    return answer_read(s, &a);
}

/* Without CAP_NET_ADMIN in the first user namespace the force is refused, and the limit of
 * net.core.wmem_max holds. */
static void socket_grow(struct nft_socket *s, size_t size) {
    int fd = mnl_socket_get_fd(s->mnl), value;

    size += SEND_MARGIN;
    if (size <= s->send_size || size > INT32_MAX)
        return;
    value = (int)size;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &value, sizeof(value)) < 0 &&
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &value, sizeof(value)) < 0)
        return;
    s->send_size = size;
}

static int socket_drain(struct nft_socket *s, nft_socket_each each, void *userdata) {
    int error = 0;

    for (;;) {
        ssize_t n = socket_receive(s);
        const struct nlmsghdr *nlh = (const struct nlmsghdr *)s->buffer;
        int left = (int)n, r;

        if (n == -EAGAIN)
            return error;
        if (n < 0 && n != -ENOBUFS && n != -EMSGSIZE)
            return (int)n;
        if (n < 0)
            error = -ENOBUFS;
        for (; n > 0 && message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
            r = each(nlh, userdata);
            if (r < 0 && error == 0)
                error = r;
        }
    }
}

int nft_socket_transact(struct nft_socket *s, const struct batch *b, nft_socket_each each,
                        void *userdata) {
    socket_grow(s, b->n_bytes);
    if (mnl_socket_sendto(s->mnl, b->bytes, b->n_bytes) < 0)
        return -errno;
    return socket_drain(s, each, userdata);
}
