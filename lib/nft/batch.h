/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_BATCH_H
#define PORTD_NFT_BATCH_H

#include "engine/plan.h"

#include <libmnl/libmnl.h>

/* Netlink messages one behind the other, as one sendmsg() takes them, and which operation of the
 * plan each is for. A message's sequence number is first_seq plus its index. */
struct batch {
    const char *table;
    uint64_t now_msec; /* CLOCK_MONOTONIC: from then on elements have as long left as they say */
    uint8_t *bytes;
    size_t n_bytes, size;
    uint32_t first_seq;
    const struct plan_op **ops; /* by index; NULL for the transaction's begin and end */
    size_t n_messages, n_ops_room;
    size_t last; /* offset of the newest message */
};

/* `table` is borrowed: whose name each message has. */
void batch_init(struct batch *b, const char *table, uint32_t first_seq);
void batch_clear(struct batch *b);

/* Begins a message of at most `room` bytes in all: a zeroed header with type (of nf_tables), flags
 * and sequence, to be written behind with libmnl; then batch_put() takes it in. NULL without
 * memory. The pointer holds until the next batch_begin(). */
struct nlmsghdr *batch_begin(struct batch *b, uint16_t type, uint16_t flags, size_t room);
int batch_put(struct batch *b, const struct nlmsghdr *nlh, const struct plan_op *op);

/* NFNL_MSG_BATCH_BEGIN and _END of a transaction. `generation` is the one that the kernel must
 * still have when it begins; there has to be a message between the two. */
int batch_open(struct batch *b, uint32_t generation);
int batch_close(struct batch *b);

/* The operation of a sequence number; NULL: none. */
const struct plan_op *batch_op(const struct batch *b, uint32_t seq);

#endif
