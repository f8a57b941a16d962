/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_RULE_H
#define PORTD_NFT_RULE_H

#include "engine/ruleset.h"
#include "nft/attr.h"

/* A rule's statements and comment as NFTA_RULE_EXPRESSIONS and NFTA_RULE_USERDATA and back.
 *
 * rule_put(): -EINVAL: a statement or a comment (of more than 253 bytes) that nftables can't say.
 * The message has to have rule_room() bytes left. */
size_t rule_room(const struct rule *rule);
int rule_put(struct nlmsghdr *nlh, const struct rule *rule);

/* Of the attributes of an NFT_MSG_NEWRULE. A rule that is no row of our statements comes back
 * with .foreign, the names of its expressions, and its comment. -EBADMSG, -ENOMEM. */
int rule_parse(const struct attrs *a, struct arena *arena, struct rule *ret);
int rule_make_foreign(const struct attrs *a, struct arena *arena, struct rule *rule);

#endif
