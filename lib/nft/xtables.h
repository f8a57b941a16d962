/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_XTABLES_H
#define PORTD_NFT_XTABLES_H

#include "engine/foreign.h"
#include "nft/attr.h"

/* What iptables writes through nf_tables where that has no words of its own: expressions "match"
 * and "target" with the bytes of an x_tables extension. */

#define XTABLES_MATCHES_MAX 2U

/* The conditions that a match stands for; 0: one that portd can't read. `family` is the table's. */
size_t xtables_match(const struct attrs *a, struct foreign_match ret[static XTABLES_MATCHES_MAX]);

/* What a target does; ACTION_NONE for those that only look, mark or count. */
enum foreign_action xtables_target(const struct attrs *a, unsigned *ret_effects);

#endif
