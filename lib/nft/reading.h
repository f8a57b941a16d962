/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_READING_H
#define PORTD_NFT_READING_H

#include "engine/foreign.h"
#include "nft/attr.h"

/* A rule of anybody's, from the attributes of its NFT_MSG_NEWRULE: what it looks at and what it
 * does. Expressions that portd doesn't know become conditions that may hold or not. Sets are found
 * in `table`, which has to have them by now, and those that will be looked up are marked as wanted.
 * *ret_unread: something could not be read. 0, -EBADMSG, -ENOMEM. */
int reading_rule(const struct attrs *a, const struct foreign_table *table, struct arena *arena,
                 struct foreign_rule *ret, bool *ret_unread);

/* NFTA_DATA_VERDICT as an action; the chain's name points into the arena. */
int reading_verdict(const struct nlattr *data, struct arena *arena, enum foreign_action *ret,
                    const char **ret_chain);

#endif
