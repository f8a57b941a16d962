/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A connection counts as allowed when the asking side is connected, which needs the answer, and
 * the other side has accepted it, which needs one more packet. Both ends close with a reset, so
 * that no TIME-WAIT is left and nothing asks again after its batch. */
#include "node.h"

#include <errno.h>

/* Closing sends a reset instead of leaving TIME-WAIT behind, and ends what is still asking.
 * -1: refused at once. */
static int connection_start(struct prober *p, size_t y, enum lab_family f, size_t port) {
    struct linger reset = { .l_onoff = 1 };
    union sockaddr_any to;
    socklen_t size = sockaddr_fill(&to, f, p->table->hosts[y].address[f], p->ports->items[port]);
    int fd = socket(prober_domains[f], SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == 0 &&
        (connect(fd, &to.any, size) == 0 || errno == EINPROGRESS))
        return fd;
    prober_refused(p, errno);
    return fd_close(fd);
}

static in_port_t port_of(const union sockaddr_any *name) {
    return name->any.sa_family == AF_INET ? name->in.sin_port : name->in6.sin6_port;
}

/* Takes the connections that wait at port `i` of a host; true when the one from `fd` was there. */
static bool connections_take(struct prober *p, const struct node *n, size_t i, int fd) {
    struct pollfd wait = { n->tcp[i], POLLIN, 0 };
    union sockaddr_any own, peer;
    socklen_t size = sizeof(own);
    bool arrived = false;

    if (getsockname(fd, &own.any, &size) < 0 || poll(&wait, 1, prober_patience_msec(p)) <= 0)
        return false;
    for (;;) {
        _cleanup_(closep) int taken = -1;

        size = sizeof(peer);
        taken = accept4(n->tcp[i], &peer.any, &size, SOCK_CLOEXEC);
        if (taken < 0)
            return arrived;
        if (port_of(&peer) == port_of(&own))
            arrived = true;
        else
            p->strays++;
    }
}

static enum lab_verdict connection_verdict(struct prober *p, const struct pollfd *c, size_t y,
                                           size_t port) {
    socklen_t size = sizeof(int);
    int error = 0;

    if (c->fd < 0)
        return LAB_REFUSED;
    if (!c->revents)
        return LAB_DROPPED;
    if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
        error = errno;
    if (error)
        return prober_refused(p, error);
    return connections_take(p, &p->nodes[y], port, c->fd) ? LAB_ALLOWED : LAB_UNANSWERED;
}

static enum lab_verdict connection_insist(struct prober *p, size_t y, enum lab_family f,
                                          size_t port) {
    _cleanup_(closep) int fd = connection_start(p, y, f, port);
    struct pollfd c = { fd, POLLOUT, 0 };

    p->retries++;
    if (poll(&c, 1, prober_patience_msec(p)) == 0)
        p->wasted_msec += prober_patience_msec(p);
    return connection_verdict(p, &c, y, port);
}

void connections_batch(struct prober *p, size_t x, size_t y, enum lab_family f, const bool *patient,
                       enum lab_verdict *ret) {
    size_t n = p->ports->n;

    for (size_t i = 0; i < n; i++)
        p->polls[i] = (struct pollfd){ connection_start(p, y, f, i), POLLOUT, 0 };
    prober_echo(p, x, y, f);
    poll(p->polls, n, 0);
    for (size_t i = 0; i < n; i++)
        ret[i] = connection_verdict(p, &p->polls[i], y, i);
    for (size_t i = 0; i < n; i++)
        fd_close(p->polls[i].fd);
    for (size_t i = 0; i < n; i++)
        if (ret[i] != LAB_ALLOWED && patient[i])
            ret[i] = connection_insist(p, y, f, i);
}
