/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A flood of datagrams to one address, of senders and ports that are others each time: nothing on
 * the way can make something of having seen one of them before.
 *
 *   lab-spray ADDRESS RATE SECONDS
 *
 * Of RATE a second it sends as many as it can, and prints that as "PACKETS SECONDS". */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64U

struct packet {
    struct iphdr ip;
    struct udphdr udp;
};

static double now(void) {
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* xorshift64 */
static uint64_t draw(void) {
    static uint64_t state;

    if (state == 0)
        state = 88172645463325252 ^ (uint64_t)getpid() << 32;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* 198.18.0.0/15, which is for benchmarks (RFC 2544 appendix C.2.2). */
static void packet_fill(struct packet *p, struct in_addr to) {
    uint64_t number = draw();

    *p = (struct packet){
        .ip = { .version = 4,
                .ihl = 5,
                .tot_len = htons(sizeof(*p)),
                .ttl = 64,
                .protocol = IPPROTO_UDP,
                .saddr = htonl(0xc6120000U | (uint32_t)(number & 0x1ffff)),
                .daddr = to.s_addr },
        .udp = { .source = htons((uint16_t)(number >> 20)),
                 .dest = htons((uint16_t)(number >> 40 | 0x8000)),
                 .len = htons(sizeof(p->udp)) },
    };
}

static int batch_send(int fd, struct in_addr to) {
    static struct packet packets[BATCH];
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = to };
    struct iovec parts[BATCH];
    struct mmsghdr messages[BATCH];

    memset(messages, 0, sizeof(messages));
    for (size_t i = 0; i < BATCH; i++) {
        packet_fill(&packets[i], to);
        parts[i] = (struct iovec){ &packets[i], sizeof(packets[i]) };
        messages[i].msg_hdr = (struct msghdr){ .msg_name = &address,
                                               .msg_namelen = sizeof(address),
                                               .msg_iov = &parts[i],
                                               .msg_iovlen = 1 };
    }
    return sendmmsg(fd, messages, BATCH, 0);
}

int main(int argc, char **argv) {
    struct in_addr to;
    double rate, seconds, begun;
    uint64_t sent = 0;
    int fd, n;

    if (argc != 4 || inet_pton(AF_INET, argv[1], &to) != 1) {
        fprintf(stderr, "usage: %s ADDRESS RATE SECONDS\n", argv[0]);
        return 2;
    }
    rate = strtod(argv[2], NULL);
    seconds = strtod(argv[3], NULL);
    fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
    if (fd < 0) {
        perror("raw socket");
        return 1;
    }
    begun = now();
    while (now() < begun + seconds) {
        if ((double)sent > rate * (now() - begun)) {
            nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
            continue;
        }
        n = batch_send(fd, to);
        if (n < 0 && errno != ENOBUFS) {
            perror("send");
            return 1;
        }
        sent += n > 0 ? (uint64_t)n : 0;
    }
    printf("%llu %.2f\n", (unsigned long long)sent, now() - begun);
    return 0;
}
