/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_COLLECT_H
#define PORTD_NFT_COLLECT_H

#include "engine/foreign.h"

#include <libmnl/libmnl.h>

/* Messages of nf_tables (NFT_MSG_NEW*) about everybody's tables to a struct foreign. Tables come
 * before their chains and sets, these before rules and elements; what refers to something that did
 * not come is passed over, and so are families that carry no IP. */

/* More than this is cut (.is_cut), so that nobody can keep portd busy with what it only watches. */
#define COLLECT_CHAINS_MAX   4096U
#define COLLECT_SETS_MAX     4096U
#define COLLECT_RULES_MAX    100000U
#define COLLECT_ELEMENTS_MAX 100000U

struct collector;

struct collector *collector_new(void);
struct collector *collector_free(struct collector *c);
DEFINE_CLEANUP(struct collector *, collector_free);

/* -EBADMSG: not a message of nf_tables' making; -ENOMEM. */
int collector_feed(struct collector *c, const struct nlmsghdr *nlh);

/* The next set whose elements are needed, once all rules have come; NULL behind the last. */
struct foreign_set *collector_next_set(struct collector *c, const struct foreign_table **ret_table);

/* The elements of that set have all come. */
int collector_end_set(struct collector *c, struct foreign_set *s);

/* Hands out what was gathered, linked. */
struct foreign *collector_finish(struct collector *c);

#endif
