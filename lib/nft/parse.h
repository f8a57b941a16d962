/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_PARSE_H
#define PORTD_NFT_PARSE_H

#include "engine/ruleset.h"

#include <libmnl/libmnl.h>

/* Messages of nf_tables (NFT_MSG_NEW*) to a ruleset. What the ruleset's types can't mean stays
 * in it with .foreign set. But a bound chain (`goto { … }`) is let pass with its rules: nobody can
 * delete it, it lives and dies with the rule that holds it, and that rule is foreign. Userdata of
 * sets, chains and counters (comments, hints for nft) means nothing to the kernel and is passed
 * over. */
struct parser;

/* `table` is borrowed: the name of the table that is meant. */
struct parser *parser_new(const char *table);
struct parser *parser_free(struct parser *p);
DEFINE_CLEANUP(struct parser *, parser_free);

/* When (CLOCK_MONOTONIC) the first message was asked for; 0 unless it is told. */
void parser_begin(struct parser *p, uint64_t now_msec);

/* A chain or set has to come before its rules or elements. Messages about other tables, and
 * messages of other types, are passed over. -EBADMSG: not a message of nf_tables' making. */
int parser_feed(struct parser *p, const struct nlmsghdr *nlh);

/* Hands out the ruleset, indexed; the parser is of no further use. -EEXIST: something came
 * twice, which is how a dump looks that was torn by a change. */
int parser_finish(struct parser *p, struct ruleset **ret);

/* The name of the next set from *index on whose elements count; NULL behind the last. */
const char *parser_next_set(const struct parser *p, size_t *index);

#endif
