/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_EMIT_H
#define PORTD_NFT_EMIT_H

#include "nft/batch.h"

/* One operation as messages at the end of a batch. -EINVAL: it has something that nftables can't
 * say; -ENOMEM. */
int emit_op(struct batch *b, const struct plan *plan, const struct plan_op *op);

/* A plan as one transaction: batch_open(), the operations, batch_close(). On an error *reterr_op
 * is the operation at fault, NULL for none in particular. */
int emit_plan(struct batch *b, const struct plan *plan, uint32_t generation,
              const struct plan_op **reterr_op);

#endif
