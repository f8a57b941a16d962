/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_LAB_NODE_H
#define PORTD_LAB_NODE_H

#include "prober.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

/* Between the files of the prober. */

/* One host: its namespace and the sockets in it. */
struct node {
    int netns;
    int arrivals;   /* epoll over `udp` */
    int *udp, *tcp; /* a listener for each port */
    int sender[LAB_FAMILY_MAX], ping[LAB_FAMILY_MAX];
};

struct prober {
    const struct table *table;
    const struct ports *ports;
    struct node *nodes;
    size_t current; /* whose namespace this process is in */
    struct pollfd *polls;
    uint32_t batch;
    uint16_t sequence;
    size_t strays, retries;
    int64_t wasted_msec;
    int broken; /* errno of what neither arrived nor was refused: the lab itself */
};

union sockaddr_any {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
};

extern const int prober_domains[LAB_FAMILY_MAX]; /* AF_INET, AF_INET6 */

socklen_t sockaddr_fill(union sockaddr_any *ret, enum lab_family f, const uint8_t *address,
                        unsigned port);
int64_t now_msec(void);

/* How long to wait for a probe that should arrive, and how long before it is sent again. */
int prober_patience_msec(const struct prober *p);
int prober_resend_msec(const struct prober *p);
/* LAB_REFUSED; notes an error that no firewall on the way gives. */
enum lab_verdict prober_refused(struct prober *p, int error);

/* prober_batch() of each protocol. For TCP the process has to be in the namespace of the asking
 * host, whose index it doesn't need otherwise. */
void datagrams_batch(struct prober *p, size_t x, size_t y, enum lab_family f, const bool *patient,
                     enum lab_verdict *ret);
void connections_batch(struct prober *p, size_t x, size_t y, enum lab_family f, const bool *patient,
                       enum lab_verdict *ret);

#endif
