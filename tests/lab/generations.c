/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints each commit to nf_tables in this network namespace: "NANOSECONDS GENERATION PID COMMAND",
 * CLOCK_MONOTONIC at the moment of hearing of it, for which it goes before all else that wants to
 * run. A witness of its own: it shares nothing with the daemon but libmnl. Says "ready" first; ends
 * when its stdin is closed. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

struct commit {
    uint32_t generation, pid;
    const char *command;
};

static int on_attribute(const struct nlattr *attr, void *data) {
    struct commit *c = data;

    switch (mnl_attr_get_type(attr)) {
    case NFTA_GEN_ID:
        c->generation = ntohl(mnl_attr_get_u32(attr));
        break;
    case NFTA_GEN_PROC_PID:
        c->pid = ntohl(mnl_attr_get_u32(attr));
        break;
    case NFTA_GEN_PROC_NAME:
        c->command = mnl_attr_get_str(attr);
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int on_message(const struct nlmsghdr *nlh, void *data) {
    struct commit c = { .command = "?" };
    struct timespec now;

    (void)data;
    if (nlh->nlmsg_type != ((NFNL_SUBSYS_NFTABLES << 8) | NFT_MSG_NEWGEN))
        return MNL_CB_OK;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_attribute, &c);
    printf("%" PRIu64 " %" PRIu32 " %" PRIu32 " %s\n",
           (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec, c.generation, c.pid,
           c.command);
    fflush(stdout);
    return MNL_CB_OK;
}

int main(void) {
    static char buf[1 << 16];
    struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
    const struct sched_param first = { .sched_priority = 1 };
    int group = NFNLGRP_NFTABLES, size = 8 << 20;

    if (!nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
        setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 ||
        mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0) {
        perror("lab-generations");
        return 1;
    }
    sched_setscheduler(0, SCHED_FIFO, &first); /* refused in some containers: then a bit later */
    puts("ready");
    fflush(stdout);
    for (;;) {
        struct pollfd fds[] = { { mnl_socket_get_fd(nl), POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };
        ssize_t n;

        if (poll(fds, 2, -1) < 0 || (fds[1].revents && read(STDIN_FILENO, buf, 1) <= 0))
            break;
        if (!fds[0].revents)
            continue;
        n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
        if (n < 0) {
            perror("lab-generations");
            return 1;
        }
        mnl_cb_run(buf, (size_t)n, 0, 0, on_message, NULL);
    }
    mnl_socket_close(nl);
    return 0;
}
