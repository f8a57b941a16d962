/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes tables' names for itself (lab-claim TABLE…): deletes them and makes them anew with the
 * owner flag, so that the kernel refuses everybody else's writes to them. Says "claimed", holds
 * them until stdin is closed; then the kernel removes the tables. */
#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define TABLE_FLAG_OWNER 2 /* NFT_TABLE_F_OWNER of linux/netfilter/nf_tables.h */

static void put_table(struct mnl_nlmsg_batch *b, const char *name, uint16_t type, uint16_t flags,
                      uint32_t table_flags, uint32_t seq) {
    struct nftnl_table *t = nftnl_table_alloc();
    struct nlmsghdr *nlh =
        nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b), type, NFPROTO_INET, flags, seq);

    nftnl_table_set_u32(t, NFTNL_TABLE_FAMILY, NFPROTO_INET);
    nftnl_table_set_str(t, NFTNL_TABLE_NAME, name);
    if (table_flags)
        nftnl_table_set_u32(t, NFTNL_TABLE_FLAGS, table_flags);
    nftnl_table_nlmsg_build_payload(nlh, t);
    nftnl_table_free(t);
    mnl_nlmsg_batch_next(b);
}

int main(int argc, char **argv) {
    char buf[1 << 14];
    struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
    struct mnl_nlmsg_batch *b = mnl_nlmsg_batch_start(buf, sizeof(buf));
    uint32_t seq = (uint32_t)time(NULL);
    ssize_t n;

    if (!nl || !b || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0) {
        perror("lab-claim");
        return 1;
    }
    nftnl_batch_begin(mnl_nlmsg_batch_current(b), seq);
    mnl_nlmsg_batch_next(b);
    for (int i = 1; i < argc; i++) { /* made first, so that there is one to delete */
        put_table(b, argv[i], NFT_MSG_NEWTABLE, NLM_F_CREATE, 0, seq + 1);
        put_table(b, argv[i], NFT_MSG_DELTABLE, 0, 0, seq + 1);
        put_table(b, argv[i], NFT_MSG_NEWTABLE, NLM_F_CREATE | (i + 1 < argc ? 0 : NLM_F_ACK),
                  TABLE_FLAG_OWNER, seq + 2);
    }
    nftnl_batch_end(mnl_nlmsg_batch_current(b), seq + 3);
    mnl_nlmsg_batch_next(b);
    if (mnl_socket_sendto(nl, mnl_nlmsg_batch_head(b), mnl_nlmsg_batch_size(b)) < 0) {
        perror("lab-claim");
        return 1;
    }
    n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
    if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, mnl_socket_get_portid(nl), NULL, NULL) < 0) {
        perror("lab-claim");
        return 1;
    }
    puts("claimed");
    fflush(stdout);
    while (read(STDIN_FILENO, buf, 1) > 0)
        ;
    mnl_nlmsg_batch_stop(b);
    mnl_socket_close(nl);
    return 0;
}
