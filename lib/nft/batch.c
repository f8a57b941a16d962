/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One contiguous buffer that doubles: a transaction has to reach the kernel in one sendmsg(), and
 * libmnl's own batch has a fixed size. The acknowledgement is asked for on the last message
 * only: 20,000 of them overrun the socket, and then the outcome is unknown. */
#include "nft/batch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

#define BATCH_MIN 16384U

void batch_init(struct batch *b, const char *table, uint32_t first_seq) {
    *b = (struct batch){ .table = table, .first_seq = first_seq };
}

void batch_clear(struct batch *b) {
    free(b->bytes);
    free(b->ops);
    *b = (struct batch){ 0 };
}

static int batch_reserve(struct batch *b, size_t room) {
    size_t size = b->size ? b->size : BATCH_MIN;
    uint8_t *grown;

    while (size - b->n_bytes < room)
        size *= 2;
    if (size == b->size)
        return 0;
    grown = realloc(b->bytes, size);
    if (!grown)
        return -ENOMEM;
    b->bytes = grown;
    b->size = size;
    return 0;
}

static struct nlmsghdr *header_put(struct batch *b, uint16_t type, uint16_t flags, uint8_t family,
                                   uint16_t res_id, size_t room) {
    struct nlmsghdr *nlh;
    struct nfgenmsg *nfg;

    if (batch_reserve(b, room) < 0)
        return NULL;
    memset(b->bytes + b->n_bytes, 0, room);
    nlh = mnl_nlmsg_put_header(b->bytes + b->n_bytes);
    nlh->nlmsg_type = type;
    nlh->nlmsg_flags = NLM_F_REQUEST | flags;
    nlh->nlmsg_seq = b->first_seq + (uint32_t)b->n_messages;
    nfg = mnl_nlmsg_put_extra_header(nlh, sizeof(*nfg));
    nfg->nfgen_family = family;
    nfg->version = NFNETLINK_V0;
    nfg->res_id = htons(res_id);
    return nlh;
}

struct nlmsghdr *batch_begin(struct batch *b, uint16_t type, uint16_t flags, size_t room) {
    return header_put(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, NFPROTO_INET, 0,
                      room);
}

int batch_put(struct batch *b, const struct nlmsghdr *nlh, const struct plan_op *op) {
    if (b->n_messages == b->n_ops_room) {
        size_t room = b->n_ops_room ? b->n_ops_room * 2 : 64;
        const struct plan_op **grown = realloc(b->ops, room * sizeof(*grown));

        if (!grown)
            return -ENOMEM;
        b->ops = grown;
        b->n_ops_room = room;
    }
    b->ops[b->n_messages++] = op;
    b->last = b->n_bytes;
    b->n_bytes += MNL_ALIGN(nlh->nlmsg_len);
    return 0;
}

int batch_open(struct batch *b, uint32_t generation) {
    struct nlmsghdr *nlh =
        header_put(b, NFNL_MSG_BATCH_BEGIN, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, BATCH_MIN);

    if (!nlh)
        return -ENOMEM;
    mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
    return batch_put(b, nlh, NULL);
}

/* With NLM_F_ECHO on the first message behind the begin the kernel tells us the generation that
 * this commit made; on the others it would send the objects back, too. */
int batch_close(struct batch *b) {
    const struct nlmsghdr *begin = (const struct nlmsghdr *)b->bytes;
    struct nlmsghdr *first = (struct nlmsghdr *)(b->bytes + MNL_ALIGN(begin->nlmsg_len));
    struct nlmsghdr *last = (struct nlmsghdr *)(b->bytes + b->last), *nlh;

    assert(b->n_messages > 1);
    first->nlmsg_flags |= NLM_F_ECHO;
    last->nlmsg_flags |= NLM_F_ACK;
    nlh = header_put(b, NFNL_MSG_BATCH_END, 0, AF_UNSPEC, NFNL_SUBSYS_NFTABLES, BATCH_MIN);
    return nlh ? batch_put(b, nlh, NULL) : -ENOMEM;
}

const struct plan_op *batch_op(const struct batch *b, uint32_t seq) {
    uint32_t index = seq - b->first_seq;

    return index < b->n_messages ? b->ops[index] : NULL;
}
