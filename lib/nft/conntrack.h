/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_CONNTRACK_H
#define PORTD_NFT_CONNTRACK_H

#include "engine/tracked.h"
#include "nft/sockdiag.h"

/* Makes connection tracking know connections that it has not seen begin, with who began them: of
 * whatever it sees first it takes the sender for that. An entry that is there already stays as it
 * is. *ret_n: how many were made known. 0 or -errno (-EOPNOTSUPP: this kernel has no ctnetlink). */
int conntrack_add(const struct open_connections *connections, size_t *ret_n);

/* Calls `each` for every TCP, UDP and SCTP connection that connection tracking knows and that is
 * not yet over: of TCP, neither end has said all; of the others, there was an answer of late. Whose
 * it is stays open: .direction is DIRECTION_IN. What `each` returns below zero ends it. 0 or
 * -errno.
 */
typedef int (*conntrack_each)(const struct tracked *t, void *userdata);
int conntrack_read(conntrack_each each, void *userdata);

#endif
