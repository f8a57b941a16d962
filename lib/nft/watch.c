/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sockets in one multicast group. The first lets pass only the word that somebody else
 * committed: 44 bytes a commit, so it hardly ever overflows; it is what wakes us. The second
 * lets pass all that others do, and is read to find out which of the commits were about our
 * table; when it overflows, details are lost and no commit is. The kernel drops our own messages
 * in both, before they take room in the buffer. */
#include "nft/watch.h"

#include "engine/ruleset.h"
#include "nft/attr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#define RECEIVE_SIZE   65536U
#define TRUTH_BUFFER   (1 << 20)
#define DETAILS_BUFFER (8 << 20)

/* Commits that are read at a time before their details are, and how often in one drain: whoever
 * commits in a loop must not keep us here for ever. */
#define ROUND_COMMITS 64U
#define ROUNDS_MAX    64U

#define NEWGEN (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)

struct watch {
    const char *table;
    struct mnl_socket *truth, *details;
    /* Generations (their lower 16 bits, as messages about objects carry them) that changed our
     * table and whose commit has not been reported yet. */
    uint8_t touched[(UINT16_MAX + 1) / 8];
    struct scope scope; /* of the details that were read since the last drain */
    uint8_t buffer[RECEIVE_SIZE] __attribute__((aligned(8)));
};

/* Classic BPF loads in network order, netlink headers are in host order. */
static int filter_truth(int fd, uint32_t own_port_id) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_type)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(NEWGEN), 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port_id), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int filter_details(int fd, uint32_t own_port_id) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_port_id), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* The filter first, then the group: nothing that it would drop gets in. */
static int group_open(uint32_t own_port_id, int (*filter)(int fd, uint32_t own_port_id), int size,
                      struct mnl_socket **ret) {
    int group = NFNLGRP_NFTABLES, fd;

    *ret = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!*ret || mnl_socket_bind(*ret, 0, MNL_SOCKET_AUTOPID) < 0)
        return -errno;
    fd = mnl_socket_get_fd(*ret);
    if (filter(fd, own_port_id) < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0 &&
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) < 0)
        return -errno;
    if (mnl_socket_setsockopt(*ret, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
        return -errno;
    return 0;
}

int watch_open(uint32_t own_port_id, struct watch **ret) {
    _cleanup_(watch_freep) struct watch *w = calloc(1, sizeof(*w));
    int r;

    if (!w)
        return -ENOMEM;
    w->table = PORTD_TABLE;
    r = group_open(own_port_id, filter_details, DETAILS_BUFFER, &w->details);
    if (r < 0)
        return r;
    r = group_open(own_port_id, filter_truth, TRUTH_BUFFER, &w->truth);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(w);
    return 0;
}

void watch_use_table(struct watch *w, const char *table) {
    w->table = table;
}

struct watch *watch_free(struct watch *w) {
    if (!w)
        return NULL;
    if (w->truth)
        mnl_socket_close(w->truth);
    if (w->details)
        mnl_socket_close(w->details);
    free(w);
    return NULL;
}

/* Every commit that has details has its word in the truth socket, and that one after them. */
int watch_fd(const struct watch *w) {
    return mnl_socket_get_fd(w->truth);
}

/* A process chooses its own name: what can't be printed is not passed on. */
static void command_copy(char to[static WATCH_COMMAND_MAX], const char *from) {
    size_t i;

    for (i = 0; i < WATCH_COMMAND_MAX - 1 && from[i] != '\0'; i++)
        to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
    to[i] = '\0';
}

/* libnftnl 1.2.4 knows no more of a generation than its number. */
static bool commit_parse(const struct nlmsghdr *nlh, struct watch_commit *ret) {
    struct attrs attrs;
    const char *name;

    *ret = (struct watch_commit){ 0 };
    if (nlh->nlmsg_type != NEWGEN || !attrs_of_message(nlh, &attrs) ||
        !attr_u32(attrs.by_type[NFTA_GEN_ID], &ret->generation))
        return false;
    ret->pid = attr_u32_or(attrs.by_type[NFTA_GEN_PROC_PID], 0);
    name = attr_text(attrs.by_type[NFTA_GEN_PROC_NAME]);
    if (name)
        command_copy(ret->command, name);
    return true;
}

static bool is_about_our_table(const struct watch *w, const struct nlmsghdr *nlh,
                               struct attrs *ret) {
    const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
    const char *table;

    if (nlh->nlmsg_type == NEWGEN || nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
        !attrs_of_message(nlh, ret) || nfg->nfgen_family != NFPROTO_INET)
        return false;
    table = attr_text(ret->by_type[NFTA_TABLE_NAME]); /* one number in all kinds of object */
    return table && strcmp(table, w->table) == 0;
}

/* Messages that tell of rules or elements, or of what had or will have some; and the attribute
 * that names the chain or set. */
static const struct {
    uint8_t type, attribute;
} scoped[] = {
    { NFT_MSG_NEWRULE, NFTA_RULE_CHAIN },
    { NFT_MSG_DELRULE, NFTA_RULE_CHAIN },
    { NFT_MSG_NEWSETELEM, NFTA_SET_ELEM_LIST_SET },
    { NFT_MSG_DELSETELEM, NFTA_SET_ELEM_LIST_SET },
    { NFT_MSG_NEWCHAIN, NFTA_CHAIN_NAME },
    { NFT_MSG_DELCHAIN, NFTA_CHAIN_NAME },
    { NFT_MSG_NEWSET, NFTA_SET_NAME },
    { NFT_MSG_DELSET, NFTA_SET_NAME },
};

static void scope_take(struct scope *s, const struct nlmsghdr *nlh, const struct attrs *attrs) {
    for (size_t i = 0; i < ARRAY_SIZE(scoped); i++) {
        const char *name;

        if (scoped[i].type != (nlh->nlmsg_type & 0xff))
            continue;
        name = attr_text(attrs->by_type[scoped[i].attribute]);
        if (name)
            scope_add(s, name);
    }
}

static void detail_take(struct watch *w, const struct nlmsghdr *nlh) {
    const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
    struct attrs attrs;
    uint16_t generation;

    if (!is_about_our_table(w, nlh, &attrs))
        return;
    scope_take(&w->scope, nlh, &attrs);
    generation = ntohs(nfg->res_id);
    w->touched[generation / 8] |= (uint8_t)(1U << generation % 8);
}

/* Whether a generation touched our table; asked once. */
static bool touched_take(struct watch *w, uint32_t generation) {
    uint8_t *byte = &w->touched[(uint16_t)generation / 8];
    uint8_t bit = (uint8_t)(1U << generation % 8);
    bool is_touched = *byte & bit;

    *byte &= (uint8_t)~bit;
    return is_touched;
}

/* One piece of what waits, of the kernel alone. -EAGAIN: nothing more; -ENOBUFS: some was lost. */
static ssize_t watch_receive(struct watch *w, struct mnl_socket *from) {
    struct sockaddr_nl sender = { 0 };
    struct iovec iov = { .iov_base = w->buffer, .iov_len = sizeof(w->buffer) };
    struct msghdr msg = {
        .msg_name = &sender, .msg_namelen = sizeof(sender), .msg_iov = &iov, .msg_iovlen = 1
    };
    ssize_t n;

    do {
        n = recvmsg(mnl_socket_get_fd(from), &msg, MSG_DONTWAIT);
    } while ((n < 0 && errno == EINTR) || (n >= 0 && sender.nl_pid != 0));
    if (n < 0)
        return -errno;
    return msg.msg_flags & MSG_TRUNC ? -ENOBUFS : n;
}

static int details_read(struct watch *w, struct watch_news *news) {
    for (;;) {
        ssize_t n = watch_receive(w, w->details);
        const struct nlmsghdr *nlh = (const struct nlmsghdr *)w->buffer;
        int left = (int)n;

        if (n == -EAGAIN)
            return 0;
        if (n == -ENOBUFS)
            news->overflow = true;
        else if (n < 0)
            return (int)n;
        for (; n > 0 && message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
            detail_take(w, nlh);
    }
}

static void commit_note(struct watch_news *news, const struct watch_commit *c) {
    if (c->touches_table || !news->last.touches_table)
        news->last = *c;
    news->any = true;
    news->n_commits++;
    news->n_touching += c->touches_table;
}

/* A round of commits, then the details that came before them. 0: nothing more waits. */
static int round_read(struct watch *w, struct watch_news *news) {
    struct watch_commit commits[ROUND_COMMITS];
    size_t n = 0;
    bool is_more = true;
    int r;

    while (n < ROUND_COMMITS && is_more) {
        ssize_t size = watch_receive(w, w->truth);

        if (size == -EAGAIN)
            is_more = false;
        else if (size == -ENOBUFS)
            news->overflow = true;
        else if (size < 0)
            return (int)size;
        else if (message_is_whole((const struct nlmsghdr *)w->buffer, (int)size) &&
                 commit_parse((const struct nlmsghdr *)w->buffer, &commits[n]))
            n++;
    }
    r = details_read(w, news);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        commits[i].touches_table = touched_take(w, commits[i].generation);
        commit_note(news, &commits[i]);
    }
    return is_more;
}

int watch_drain(struct watch *w, struct watch_news *ret) {
    struct watch_news news = { 0 };
    int r = 1;

    for (unsigned i = 0; r > 0 && i < ROUNDS_MAX; i++)
        r = round_read(w, &news);
    if (r < 0)
        return r;
    if (news.overflow)
        memset(w->touched, 0, sizeof(w->touched)); /* their commits may never be told */
    news.scope = news.overflow ? (struct scope){ .is_all = true } : w->scope;
    w->scope = (struct scope){ 0 }; /* of a commit told later, too: a hint too little */
    *ret = news;
    return 0;
}
