/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DENIED_GATHER_H
#define PORTD_DENIED_GATHER_H

#include "nft/nflog.h"
#include "record.h"

/* Packets of a tenth of a second or so, added up to records. Of fixed size; what finds no place is
 * counted. */
#define GATHER_RECORDS 256U
#define GATHER_GROUPS  2U /* PORTD_LOG_GROUP and PORTD_LOG_GROUP_WOULD */

struct gather {
    bool knows_connections; /* as nflog_open() said */
    struct record records[GATHER_RECORDS];
    size_t n;
    struct losses losses;
    bool is_counting[GATHER_GROUPS]; /* … and the next sequence number is: */
    uint32_t next_sequence[GATHER_GROUPS];
};

/* One datagram of the socket of nflog_open(); what is wrong with it is counted. */
void gather_datagram(struct gather *g, const void *bytes, size_t n);

/* The next that is to be handed on, or NULL: there is none. gather_done(): it was. */
const struct record *gather_next(struct gather *g, struct record *buffer);
void gather_done(struct gather *g, const struct record *r);

#endif
