/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_SOCKET_H
#define PORTD_NFT_SOCKET_H

#include "nft/batch.h"

/* One netlink socket to nf_tables, kept for life: opening and closing them in a loop makes
 * everybody's commits wait. */
struct nft_socket;

/* `fd`: an open netfilter socket to go on with, taken in any case; -1: a new one, of `port_id` (0:
 * the kernel chooses). */
int nft_socket_open(int fd, uint32_t port_id, struct nft_socket **ret);
struct nft_socket *nft_socket_free(struct nft_socket *s);
DEFINE_CLEANUP(struct nft_socket *, nft_socket_free);

int nft_socket_fd(const struct nft_socket *s);
uint32_t nft_socket_port_id(const struct nft_socket *s);
/* Sequence numbers for `n` messages: the first. */
uint32_t nft_socket_sequence(struct nft_socket *s, uint32_t n);

/* Sends one request and calls `each` for every message of the answer until its end. What `each`
 * returns below zero, and an error of the kernel, end it. -EINTR: the kernel says that the dump
 * was disturbed (NLM_F_DUMP_INTR, on any message); -ENOBUFS: messages were lost. In each case the
 * rest of the answer has been read away. Never waits. */
typedef int (*nft_socket_each)(const struct nlmsghdr *nlh, void *userdata);
int nft_socket_request(struct nft_socket *s, struct nlmsghdr *request, nft_socket_each each,
                       void *userdata);

/* Sends a transaction in one piece and calls `each` for every answer (NLMSG_ERROR, NEWGEN) that
 * waits afterwards: the kernel has done all its work when the send returns. -ENOBUFS: answers
 * were lost. */
int nft_socket_transact(struct nft_socket *s, const struct batch *b, nft_socket_each each,
                        void *userdata);

#endif
