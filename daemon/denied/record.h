/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DENIED_RECORD_H
#define PORTD_DENIED_RECORD_H

#include "engine/intent.h"

/* What portd-denied, which has no rights, hands to portd, which has: one record a message of a
 * SOCK_SEQPACKET pair, of one size, for programs of one build. Whoever reads it believes nothing
 * that record_take() has not looked at. */

/* What a packet was in its connection. */
enum denied_kind {
    DENIED_REQUEST, /* asks for something, or goes on with what it asked for */
    DENIED_ANSWER,  /* to a request that the policy doesn't allow, or no more */
    DENIED_STRAY,   /* of no connection that the kernel knows */
    DENIED_KIND_MAX
};
const char *denied_kind_name(enum denied_kind k); /* "request", "answer", "stray" */

/* What packets are counted by. */
struct denied_key {
    uint8_t address[16]; /* the other end; as struct address */
    uint16_t port;       /* that was asked for, or the ICMP type; 0 without `has_port` */
    uint8_t protocol;
    uint8_t family;    /* enum family */
    uint8_t direction; /* enum direction: of the packet */
    uint8_t kind;      /* enum denied_kind */
    uint8_t would;     /* bool: nothing was denied, the direction is only audited */
    uint8_t has_port;  /* bool */
};

enum record_type { RECORD_DENIED = 1, RECORD_LOSSES = 2 };

/* Packets that were logged and are in no record, since the last record of this type. */
struct losses {
    uint32_t missed;  /* the kernel had them, the reader was too slow */
    uint32_t crowded; /* too many different ones at once */
    uint32_t unread;  /* the reader could make nothing of them */
    uint32_t zero[3];
};

struct record {
    uint32_t type;    /* enum record_type */
    uint32_t packets; /* RECORD_DENIED: how many; else 0 */
    union {
        struct denied_key key;
        struct losses losses;
    };
};

/* A second's worth of packets is less; what a record says beyond is a lie. */
#define RECORD_PACKETS_MAX 1000000U

/* Whether these bytes are a record that portd-denied could mean: every value is one that it may
 * have, and all else is zero. */
bool record_take(const void *bytes, size_t n, struct record *ret);

#endif
