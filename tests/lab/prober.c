/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A socket stays in the network namespace that it was made in, so one process can hold both ends
 * of every connection and needs no messages with helpers to learn what arrived where. Nothing
 * waits for silence: a virtual link hands packets to the queue of the CPU that sends, so with the
 * process pinned to one CPU everything is in order, and once an echo sent behind a batch is
 * answered, a probe of the batch that hasn't arrived was dropped. */
#include "node.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define PATIENCE_MSEC     2000
#define PATIENCE_ALL_MSEC 20000 /* of all probes that were waited for in vain */
#define IMPATIENCE_MSEC   20
#define RESEND_MSEC       100
#define ANSWERS_SIZE      (4 << 20) /* bytes; room for the answers of a batch */

const int prober_domains[] = { [LAB_IPV4] = AF_INET, [LAB_IPV6] = AF_INET6 };
static_assert(ARRAY_SIZE(prober_domains) == LAB_FAMILY_MAX, "a family has no domain");

socklen_t sockaddr_fill(union sockaddr_any *ret, enum lab_family f, const uint8_t *address,
                        unsigned port) {
    memset(ret, 0, sizeof(*ret));
    if (f == LAB_IPV4) {
        ret->in.sin_family = AF_INET;
        ret->in.sin_port = htons((uint16_t)port);
        memcpy(&ret->in.sin_addr, address, sizeof(ret->in.sin_addr));
        return sizeof(ret->in);
    }
    ret->in6.sin6_family = AF_INET6;
    ret->in6.sin6_port = htons((uint16_t)port);
    memcpy(&ret->in6.sin6_addr, address, sizeof(ret->in6.sin6_addr));
    return sizeof(ret->in6);
}

int64_t now_msec(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / 1000000;
}

static int enter(struct prober *p, size_t i) {
    if (p->current == i)
        return 0;
    if (setns(p->nodes[i].netns, CLONE_NEWNET) < 0)
        return -errno;
    p->current = i;
    return 0;
}

/* How long to wait for a probe that should arrive. When many don't, the lab isn't slow. */
int prober_patience_msec(const struct prober *p) {
    return p->wasted_msec < PATIENCE_ALL_MSEC ? PATIENCE_MSEC : IMPATIENCE_MSEC;
}

int prober_resend_msec(const struct prober *p) {
    int patience = prober_patience_msec(p);

    return patience < RESEND_MSEC ? patience : RESEND_MSEC;
}

/* What a firewall on the way makes of sending; anything else is a fault of the lab. */
enum lab_verdict prober_refused(struct prober *p, int error) {
    switch (error) {
    case EPERM:
    case EACCES:
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH:
        break;
    default:
        p->broken = error;
    }
    return LAB_REFUSED;
}

/* --- set-up --- */

static int listener_open(int type, uint16_t port) {
    union sockaddr_any name;
    socklen_t size = sockaddr_fill(&name, LAB_IPV6, in6addr_any.s6_addr, port);
    int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(int)) < 0 ||
        bind(fd, &name.any, size) < 0 || (type == SOCK_STREAM && listen(fd, 64) < 0))
        return fd_close(fd);
    return fd;
}

static int listeners_open(struct node *n, const struct ports *ports) {
    for (size_t i = 0; i < ports->n; i++) {
        struct epoll_event e = { .events = EPOLLIN, .data.u64 = i };

        n->tcp[i] = listener_open(SOCK_STREAM, ports->items[i]);
        n->udp[i] = listener_open(SOCK_DGRAM, ports->items[i]);
        if (n->tcp[i] < 0 || n->udp[i] < 0 ||
            epoll_ctl(n->arrivals, EPOLL_CTL_ADD, n->udp[i], &e) < 0)
            return -errno;
    }
    return 0;
}

static int senders_open(struct node *n, const struct table_host *h) {
    for (enum lab_family f = 0; f < LAB_FAMILY_MAX; f++) {
        int type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
        union sockaddr_any name;
        socklen_t size = sockaddr_fill(&name, f, h->address[f], PROBER_SOURCE_PORT);

        if (!h->has[f])
            continue;
        n->sender[f] = socket(prober_domains[f], type, 0);
        n->ping[f] = socket(prober_domains[f], type, f == LAB_IPV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
        if (n->sender[f] < 0 || n->ping[f] < 0 || bind(n->sender[f], &name.any, size) < 0 ||
            setsockopt(n->sender[f], SOL_SOCKET, SO_RCVBUFFORCE, &(int){ ANSWERS_SIZE },
                       sizeof(int)) < 0)
            return -errno;
    }
    return 0;
}

static int node_open(struct prober *p, size_t i) {
    const struct table_host *h = &p->table->hosts[i];
    struct node *n = &p->nodes[i];
    char path[sizeof("/run/netns/") + LAB_NAME_SIZE];
    int r;

    snprintf(path, sizeof(path), "/run/netns/%s", h->name);
    n->netns = open(path, O_RDONLY | O_CLOEXEC);
    n->arrivals = epoll_create1(EPOLL_CLOEXEC);
    n->udp = malloc(p->ports->n * sizeof(*n->udp));
    n->tcp = malloc(p->ports->n * sizeof(*n->tcp));
    if (n->netns < 0 || n->arrivals < 0 || !n->udp || !n->tcp)
        return -errno;
    memset(n->udp, -1, p->ports->n * sizeof(*n->udp));
    memset(n->tcp, -1, p->ports->n * sizeof(*n->tcp));
    r = enter(p, i);
    if (r < 0)
        return r;
    r = listeners_open(n, p->ports);
    return r < 0 ? r : senders_open(n, h);
}

static int limits_raise(size_t n_files) {
    struct rlimit limit = { n_files, n_files };
    cpu_set_t one;

    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || sched_setaffinity(0, sizeof(one), &one) < 0)
        return -errno;
    return 0;
}

struct prober *prober_new(const struct table *t, const struct ports *ports) {
    _cleanup_(prober_freep) struct prober *p = calloc(1, sizeof(*p));
    int r;

    if (!p || !(p->nodes = calloc(t->n_hosts, sizeof(*p->nodes))))
        return NULL;
    p->table = t;
    p->ports = ports;
    p->current = SIZE_MAX;
    for (size_t i = 0; i < t->n_hosts; i++)
        p->nodes[i] = (struct node){ -1, -1, NULL, NULL, { -1, -1 }, { -1, -1 } };
    p->polls = calloc(ports->n, sizeof(*p->polls));
    if (!p->polls)
        return NULL;
    r = limits_raise((t->n_hosts * 2 + 1) * (ports->n + 8));
    for (size_t i = 0; r == 0 && i < t->n_hosts; i++)
        r = node_open(p, i);
    if (r < 0) {
        fprintf(stderr, "the prober can't be set up: %s\n", strerror(-r));
        return NULL;
    }
    return TAKE_PTR(p);
}

static void node_close(struct node *n, size_t n_ports) {
    for (size_t i = 0; i < n_ports; i++) {
        if (n->udp)
            fd_close(n->udp[i]);
        if (n->tcp)
            fd_close(n->tcp[i]);
    }
    for (enum lab_family f = 0; f < LAB_FAMILY_MAX; f++) {
        fd_close(n->sender[f]);
        fd_close(n->ping[f]);
    }
    free(n->udp);
    free(n->tcp);
    fd_close(n->arrivals);
    fd_close(n->netns);
}

struct prober *prober_free(struct prober *p) {
    if (!p)
        return NULL;
    for (size_t i = 0; p->nodes && i < p->table->n_hosts; i++)
        node_close(&p->nodes[i], p->ports->n);
    free(p->nodes);
    free(p->polls);
    free(p);
    return NULL;
}

size_t prober_strays(const struct prober *p) {
    return p->strays;
}

size_t prober_retries(const struct prober *p) {
    return p->retries;
}

/* --- probes --- */

/* The kernel puts its own identifier in and checksums it (ping sockets, icmp(7)). */
static ssize_t echo_send(struct prober *p, size_t x, size_t y, enum lab_family f) {
    union sockaddr_any to;
    socklen_t size = sockaddr_fill(&to, f, p->table->hosts[y].address[f], 0);
    struct icmphdr echo = {
        .type = f == LAB_IPV4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST,
        .un.echo.sequence = htons(++p->sequence),
    };

    return sendto(p->nodes[x].ping[f], &echo, sizeof(echo), 0, &to.any, size);
}

static bool echo_receive(struct prober *p, int ping) {
    struct icmphdr echo;

    while (recv(ping, &echo, sizeof(echo), 0) == sizeof(echo))
        if (ntohs(echo.un.echo.sequence) == p->sequence)
            return true;
    return false;
}

enum lab_verdict prober_echo(struct prober *p, size_t x, size_t y, enum lab_family f) {
    struct pollfd wait = { p->nodes[x].ping[f], POLLIN, 0 };
    int64_t start = now_msec(), end = start + prober_patience_msec(p);

    do {
        if (echo_send(p, x, y, f) < 0)
            return prober_refused(p, errno);
        while (poll(&wait, 1, prober_resend_msec(p)) > 0)
            if (echo_receive(p, wait.fd))
                return LAB_ALLOWED;
        p->retries++;
    } while (now_msec() < end);
    p->wasted_msec += now_msec() - start;
    return LAB_DROPPED;
}

int prober_batch(struct prober *p, size_t x, size_t y, enum lab_family f, enum lab_protocol proto,
                 const bool *patient, enum lab_verdict *ret) {
    int r = enter(p, x);

    if (r < 0)
        return r;
    p->batch++;
    switch (proto) {
    case LAB_TCP:
        connections_batch(p, x, y, f, patient, ret);
        break;
    case LAB_UDP:
        datagrams_batch(p, x, y, f, patient, ret);
        break;
    case LAB_ECHO:
    case LAB_PROTOCOL_MAX:
        return -EINVAL;
    }
    return -p->broken;
}
