/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A datagram carries its batch and port, so that one that comes late or elsewhere is noticed. The
 * receiver answers, and a probe counts as allowed when the answer is back: rules that let the
 * question pass and not the answer are wrong, too. A broadcast is no question and has none. */
#include "node.h"

#include <errno.h>
#include <sys/epoll.h>

struct probe {
    uint32_t batch, index; /* of the port */
};

/* LAB_DROPPED until it is seen to arrive. */
static enum lab_verdict datagram_send(struct prober *p, size_t x, size_t y, enum lab_family f,
                                      size_t i) {
    struct probe probe = { p->batch, (uint32_t)i };
    union sockaddr_any to;
    socklen_t size = sockaddr_fill(&to, f, p->table->hosts[y].address[f], p->ports->items[i]);

    if (sendto(p->nodes[x].sender[f], &probe, sizeof(probe), 0, &to.any, size) < 0)
        return prober_refused(p, errno);
    return LAB_DROPPED;
}

/* Takes what waits at port `i` of a host, and answers when asked to; true when a probe of this
 * batch was among it. */
static bool datagrams_take(struct prober *p, const struct node *n, size_t i, bool answer) {
    union sockaddr_any from;
    socklen_t size = sizeof(from);
    struct probe probe;
    bool arrived = false;

    while (recvfrom(n->udp[i], &probe, sizeof(probe), 0, &from.any, &size) == sizeof(probe)) {
        if (probe.batch != p->batch || probe.index != i) {
            p->strays++;
        } else {
            arrived = true;
            if (answer && sendto(n->udp[i], &probe, sizeof(probe), 0, &from.any, size) < 0)
                prober_refused(p, errno);
        }
        size = sizeof(from);
    }
    return arrived;
}

static bool arrivals_take(struct prober *p, size_t y, enum lab_verdict *ret) {
    const struct node *n = &p->nodes[y];
    struct epoll_event events[64];
    bool any = false;
    int k;

    while ((k = epoll_wait(n->arrivals, events, ARRAY_SIZE(events), 0)) > 0)
        for (int i = 0; i < k; i++)
            if (datagrams_take(p, n, events[i].data.u64, true)) {
                ret[events[i].data.u64] = LAB_UNANSWERED;
                any = true;
            }
    return any;
}

static void answers_take(struct prober *p, int sender, enum lab_verdict *ret) {
    struct probe probe;

    while (recv(sender, &probe, sizeof(probe), 0) == sizeof(probe)) {
        if (probe.batch == p->batch && ret[probe.index] != LAB_REFUSED)
            ret[probe.index] = LAB_ALLOWED;
        else
            p->strays++;
    }
}

/* Asks for the port until the answer is back. */
static void datagram_insist(struct prober *p, size_t x, size_t y, enum lab_family f, size_t i,
                            enum lab_verdict *ret) {
    struct pollfd question = { p->nodes[y].udp[i], POLLIN, 0 };
    struct pollfd answer = { p->nodes[x].sender[f], POLLIN, 0 };
    int64_t start = now_msec(), end = start + prober_patience_msec(p);

    while (now_msec() < end) {
        p->retries++;
        ret[i] = datagram_send(p, x, y, f, i);
        if (ret[i] == LAB_REFUSED)
            return;
        if (poll(&question, 1, prober_resend_msec(p)) <= 0 ||
            !datagrams_take(p, &p->nodes[y], i, true))
            continue;
        ret[i] = LAB_UNANSWERED;
        if (poll(&answer, 1, prober_resend_msec(p)) > 0)
            answers_take(p, answer.fd, ret);
        if (ret[i] == LAB_ALLOWED)
            return;
    }
    p->wasted_msec += now_msec() - start;
}

void datagrams_batch(struct prober *p, size_t x, size_t y, enum lab_family f, const bool *patient,
                     enum lab_verdict *ret) {
    for (size_t i = 0; i < p->ports->n; i++)
        ret[i] = datagram_send(p, x, y, f, i);
    prober_echo(p, x, y, f);
    if (arrivals_take(p, y, ret)) {
        prober_echo(p, x, y, f);
        answers_take(p, p->nodes[x].sender[f], ret);
    }
    for (size_t i = 0; i < p->ports->n; i++)
        if (ret[i] != LAB_ALLOWED && patient[i])
            datagram_insist(p, x, y, f, i, ret);
}

int prober_cast(struct prober *p, size_t x, const uint8_t address[static 4], uint16_t port,
                bool *ret_got, enum lab_verdict *ret) {
    const struct table_host *h = p->table->hosts;
    struct probe probe = { ++p->batch, 0 };
    int sender = p->nodes[x].sender[LAB_IPV4];
    union sockaddr_any to;
    socklen_t size = sockaddr_fill(&to, LAB_IPV4, address, port);
    size_t i = 0, fence = 0;

    while (i < p->ports->n && p->ports->items[i] != port)
        i++;
    while (fence < p->table->n_hosts && (fence == x || !h[fence].has[LAB_IPV4]))
        fence++;
    if (i == p->ports->n || fence == p->table->n_hosts ||
        setsockopt(sender, SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)) < 0)
        return -EINVAL;
    probe.index = (uint32_t)i;
    *ret = LAB_ALLOWED;
    if (sendto(sender, &probe, sizeof(probe), 0, &to.any, size) < 0)
        *ret = prober_refused(p, errno);
    /* The switch hands out all copies before it takes the echo. */
    prober_echo(p, x, fence, LAB_IPV4);
    for (size_t y = 0; y < p->table->n_hosts; y++)
        ret_got[y] = datagrams_take(p, &p->nodes[y], i, false);
    return -p->broken;
}
