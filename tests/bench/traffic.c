/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the policy for answers costs a packet:
 *
 *   bench_traffic ROUNDS SITE POLICY-DIR      with a site of tests/bench/generate
 *
 * Two network namespaces and a link; "client0" asks the first service of "server", both with
 * their rules: as portd makes them, with answers accepted as such, and with none. One thread has
 * both ends in its hands: sending brings a packet all the way into the other socket, so that what
 * is measured is work and no waiting: processor time. */
#include "bench.h"
#include "host.h"

#include "nft/kernel.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <sys/socket.h>

#define PORT           10000U
#define TRANSACTIONS   10000U
#define DOWNLOAD_BYTES ((size_t)128 << 20)
#define PIECE          ((size_t)128 << 10)

enum rules { RULES_NONE, RULES_PLAIN, RULES_ANSWERS, RULES_MAX };
enum measure { MEASURE_UDP, MEASURE_TCP, MEASURE_DOWNLOAD, MEASURE_MAX };

struct end {
    const char *host, *address, *link;
    int netns;
    struct kernel *kernel;
    struct ruleset *rules[RULES_MAX];
};

static void in_netns(const struct end *e) {
    bench_must(setns(e->netns, CLONE_NEWNET) < 0 ? -errno : 0, "setns", NULL);
}

static void shell(const char *format, ...) _printf_(1, 2);
static void shell(const char *format, ...) {
    char command[512];
    va_list ap;

    va_start(ap, format);
    vsnprintf(command, sizeof(command), format, ap);
    va_end(ap);
    bench_must(system(command) == 0 ? 0 : -EIO, command, NULL);
}

/* Everything in reply direction passes, as `ct state established accept` has it. */
static void accept_answers(struct ruleset *rules) {
    size_t n = 0;

    for (size_t i = 0; i < rules->n_chains; i++)
        for (size_t j = 0; rules->chains[i].is_base && j < rules->chains[i].n_rules; j++) {
            struct rule *r = &rules->chains[i].rules[j];
            struct stmt *last = &r->stmts[r->n_stmts - 1];

            if (r->comment && strcmp(r->comment, "answers") == 0 && last->type == STMT_VERDICT) {
                last->verdict.verdict = VERDICT_ACCEPT;
                last->verdict.chain = NULL;
                n++;
            }
        }
    bench_must(n == 2 ? 0 : -ENOENT, "rules for answers", NULL);
}

static void end_open(struct end *e, const char *site, const char *policies) {
    struct report report = REPORT_INIT;

    bench_must(unshare(CLONE_NEWNET) < 0 ? -errno : 0, "network namespace", NULL);
    e->netns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    bench_must(e->netns < 0 ? -errno : 0, "network namespace", NULL);
    bench_must(kernel_open(-1, &e->kernel, &report), "kernel", &report);
    e->rules[RULES_NONE] = ruleset_new();
    bench_must(ruleset_index(e->rules[RULES_NONE]), "rules", NULL);
    for (enum rules i = RULES_PLAIN; i < RULES_MAX; i++)
        bench_must(host_ruleset(site, policies, e->host, &e->rules[i], &report), e->host, &report);
    accept_answers(e->rules[RULES_PLAIN]);
}

static void end_use(struct end *e, enum rules which) {
    struct report report = REPORT_INIT;
    struct ruleset *have;
    struct plan *plan;
    uint32_t generation;

    bench_must(kernel_read(e->kernel, &have, &generation), "read", NULL);
    bench_must(ruleset_diff(e->rules[which], have, &plan), "diff", NULL);
    bench_must(kernel_apply(e->kernel, plan, generation, &generation, &report), "apply", &report);
    plan_free(plan);
    ruleset_free(have);
}

static void end_close(struct end *e) {
    for (enum rules i = 0; i < RULES_MAX; i++)
        ruleset_free(e->rules[i]);
    kernel_free(e->kernel);
    close(e->netns);
}

static void link_up(const struct end *e, const struct end *other) {
    in_netns(e);
    shell("ip addr add %s/32 dev %s && ip link set %s up && ip route add %s dev %s", e->address,
          e->link, e->link, other->address, e->link);
}

static void connect_ends(const struct end *client, const struct end *server) {
    in_netns(client);
    shell("nsenter --net=/proc/%d/fd/%d ip link add %s type veth peer name %s netns %d",
          (int)getpid(), server->netns, server->link, client->link, (int)getpid());
    link_up(client, server);
    link_up(server, client);
}

static struct sockaddr_in socket_address(const struct end *e, uint16_t port) {
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

    inet_pton(AF_INET, e->address, &a.sin_addr);
    return a;
}

static int must_fd(int r, const char *what) {
    bench_must(r < 0 ? -errno : 0, what, NULL);
    return r;
}

/* Nothing that is dropped may make us wait for ever. */
static int end_socket(const struct end *e, int type) {
    const struct timeval patience = { .tv_sec = 5 };
    int fd, on = 1;

    in_netns(e);
    fd = must_fd(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (type == SOCK_STREAM)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static void end_bind(int fd, const struct end *e, uint16_t port) {
    struct sockaddr_in a = socket_address(e, port);

    must_fd(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind");
}

static void end_connect(int fd, const struct end *e, uint16_t port) {
    struct sockaddr_in a = socket_address(e, port);

    must_fd(connect(fd, (struct sockaddr *)&a, sizeof(a)), "connect");
}

struct pair {
    int client, server;
};

static struct pair pair_udp(const struct end *client, const struct end *server) {
    struct pair p = { end_socket(client, SOCK_DGRAM), end_socket(server, SOCK_DGRAM) };

    end_bind(p.client, client, 40000);
    end_bind(p.server, server, PORT);
    end_connect(p.client, server, PORT);
    end_connect(p.server, client, 40000);
    return p;
}

static struct pair pair_tcp(const struct end *client, const struct end *server) {
    struct pair p = { .client = end_socket(client, SOCK_STREAM) };
    int listener = end_socket(server, SOCK_STREAM), on = 1;

    end_bind(listener, server, PORT);
    must_fd(listen(listener, 1), "listen");
    end_connect(p.client, server, PORT);
    p.server = must_fd(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept");
    setsockopt(p.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    close(listener);
    return p;
}

/* What the kernel does for a packet on the way counts as ours. */
static uint64_t cpu_usec(void) {
    struct timespec t;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* One question, one answer. Nanoseconds each. */
static uint64_t ask(struct pair p) {
    uint64_t start = cpu_usec();
    char byte = '?';

    for (unsigned i = 0; i < TRANSACTIONS; i++)
        if (send(p.client, &byte, 1, 0) != 1 || recv(p.server, &byte, 1, 0) != 1 ||
            send(p.server, &byte, 1, 0) != 1 || recv(p.client, &byte, 1, 0) != 1)
            bench_must(-errno, "question and answer", NULL);
    return (cpu_usec() - start) * 1000 / TRANSACTIONS;
}

/* Data to the client: all of it goes in reply direction. Nanoseconds a KiB. */
static uint64_t download(struct pair p) {
    static char piece[PIECE];
    uint64_t start = cpu_usec();
    size_t left = DOWNLOAD_BYTES;

    while (left > 0) {
        ssize_t sent = send(p.server, piece, sizeof(piece), MSG_DONTWAIT), got;

        got = recv(p.client, piece, sizeof(piece), MSG_DONTWAIT);
        if (got > 0) {
            left -= (size_t)got < left ? (size_t)got : left;
        } else if (sent <= 0) {
            struct pollfd wait = { p.client, POLLIN, 0 };

            bench_must(poll(&wait, 1, 5000) == 1 ? 0 : -ETIMEDOUT, "download", NULL);
        }
    }
    return (cpu_usec() - start) * 1000 / (DOWNLOAD_BYTES >> 10);
}

static uint64_t measure(enum measure what, const struct end *client, const struct end *server) {
    struct pair p = what == MEASURE_UDP ? pair_udp(client, server) : pair_tcp(client, server);
    uint64_t nsec = what == MEASURE_DOWNLOAD ? download(p) : ask(p);

    close(p.client);
    close(p.server);
    return nsec;
}

/* The samples of one measure with one kind of rules, a round each. */
static uint64_t *samples_of(uint64_t *samples, size_t rounds, enum measure m, enum rules r) {
    return &samples[(m * RULES_MAX + r) * rounds];
}

/* In thousandths, round by round: what disturbs a round disturbs both sides of it. */
static uint64_t median_ratio(const uint64_t *a, const uint64_t *b, size_t rounds) {
    uint64_t *ratios = calloc(rounds, sizeof(*ratios)), median;

    for (size_t i = 0; i < rounds; i++)
        ratios[i] = a[i] * 1000 / b[i];
    median = bench_median(ratios, rounds);
    free(ratios);
    return median;
}

static void print(uint64_t *samples, size_t rounds) {
    static const char *const names[] = {
        [MEASURE_UDP] = "UDP, question and answer",
        [MEASURE_TCP] = "TCP, question and answer",
        [MEASURE_DOWNLOAD] = "TCP, download, a KiB",
    };

    printf("  %-26s %10s %10s %10s  %s\n", "ns", "no rules", "plain", "answers", "answers/plain");
    for (enum measure m = 0; m < MEASURE_MAX; m++) {
        uint64_t ratio = median_ratio(samples_of(samples, rounds, m, RULES_ANSWERS),
                                      samples_of(samples, rounds, m, RULES_PLAIN), rounds);

        printf("  %-26s", names[m]);
        for (enum rules r = 0; r < RULES_MAX; r++)
            printf(" %10lu", bench_median(samples_of(samples, rounds, m, r), rounds));
        printf("  %.3f\n", (double)ratio / 1000);
    }
}

int main(int argc, char **argv) {
    struct end client = { .host = "client0", .address = "10.64.0.1", .link = "c0" };
    struct end server = { .host = "server", .address = "10.1.0.1", .link = "s0" };
    uint64_t *samples;
    size_t rounds;

    if (argc != 4) {
        fprintf(stderr, "usage: %s ROUNDS SITE POLICY-DIR\n", argv[0]);
        return 2;
    }
    rounds = bench_rounds(argv[1]);
    samples = calloc(rounds * MEASURE_MAX * RULES_MAX, sizeof(*samples));
    end_open(&client, argv[2], argv[3]);
    end_open(&server, argv[2], argv[3]);
    connect_ends(&client, &server);
    for (size_t i = 0; i < rounds; i++)
        for (enum rules r = 0; r < RULES_MAX; r++) {
            end_use(&client, r);
            end_use(&server, r);
            for (enum measure m = 0; m < MEASURE_MAX; m++)
                samples_of(samples, rounds, m, r)[i] = measure(m, &client, &server);
        }
    print(samples, rounds);
    end_close(&client);
    end_close(&server);
    free(samples);
    return 0;
}
