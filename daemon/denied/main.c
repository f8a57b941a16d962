/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portd-denied: reads what the deny chains log, which is bytes from the network, and hands portd
 * sums of it. Started by portd alone. It looks at most ten times a second and reads a bounded
 * number of packets then: what a flood leaves in the socket meanwhile the kernel drops, and the
 * sequence numbers tell how much that was. */
#include "base/macros.h"
#include "fence.h"
#include "gather.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LOOK_MSEC      100
#define DATAGRAMS_MAX  32U /* a look */
#define EXIT_NO_FENCE  3
#define CONNECTIONS_ON "connections"

static struct gather gather;

static const struct timespec look = { .tv_nsec = LOOK_MSEC * 1000000L };

/* For packets, or for time to pass: a socket that overflowed would end every other wait at once.
 * False: portd is gone, or no wait is to be had. */
static bool wait_for(bool packets, const struct timespec *timeout) {
    struct pollfd fds[] = { { .fd = packets ? FENCE_NFLOG : -1, .events = POLLIN },
                            { .fd = FENCE_PAIR } };

    if (ppoll(fds, ARRAY_SIZE(fds), timeout, NULL) < 0)
        return errno == EINTR;
    return fds[1].revents == 0;
}

/* Of the kernel alone (port id 0). */
static void read_some(void) {
    static uint8_t buffer[NFLOG_DATAGRAM_SIZE * 8] __attribute__((aligned(8)));

    for (unsigned i = 0; i < DATAGRAMS_MAX; i++) {
        struct sockaddr_nl from = { 0 };
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(FENCE_NFLOG, buffer, sizeof(buffer), MSG_DONTWAIT,
                             (struct sockaddr *)&from, &size);

        if (n < 0 && errno == EAGAIN)
            return;
        if (n > 0 && from.nl_pid == 0)
            gather_datagram(&gather, buffer, (size_t)n);
    }
}

/* What doesn't go now stays, and grows. */
static void write_some(void) {
    const struct record *r;
    struct record buffer;

    while ((r = gather_next(&gather, &buffer)) && write(FENCE_PAIR, r, sizeof(*r)) > 0)
        gather_done(&gather, r);
}

int main(int argc, char **argv) {
    struct record left;

    gather.knows_connections = argc > 1 && strcmp(argv[1], CONNECTIONS_ON) == 0;
    if (fence_raise() < 0)
        _exit(EXIT_NO_FENCE);
    while (wait_for(true, gather_next(&gather, &left) ? &look : NULL)) {
        read_some();
        write_some();
        if (!wait_for(false, &look))
            break;
    }
    _exit(0);
}
