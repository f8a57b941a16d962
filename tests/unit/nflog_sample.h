/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_NFLOG_SAMPLE_H
#define PORTD_TESTS_NFLOG_SAMPLE_H

#include "nft/nflog.h"

#include <arpa/inet.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <string.h>

/* Messages as the kernel sends them about logged packets. */

#define SAMPLE_SIZE 1024U
#define SAMPLE_IN   1 /* NF_INET_LOCAL_IN */
#define SAMPLE_OUT  3 /* NF_INET_LOCAL_OUT */

struct sample {
    uint8_t bytes[SAMPLE_SIZE] __attribute__((aligned(8)));
    struct nlmsghdr *nlh;
};

static inline void sample_begin(struct sample *s, uint8_t family, uint16_t group, uint8_t hook) {
    struct nfulnl_msg_packet_hdr header = { .hook = hook };
    struct nfgenmsg *nfg;

    memset(s, 0, sizeof(*s));
    s->nlh = mnl_nlmsg_put_header(s->bytes);
    s->nlh->nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET;
    nfg = mnl_nlmsg_put_extra_header(s->nlh, sizeof(*nfg));
    nfg->nfgen_family = family;
    nfg->res_id = htons(group);
    mnl_attr_put(s->nlh, NFULA_PACKET_HDR, sizeof(header), &header);
}

static inline void sample_payload(struct sample *s, const void *payload, size_t n) {
    mnl_attr_put(s->nlh, NFULA_PAYLOAD, n, payload);
}

static inline void sample_sequence(struct sample *s, uint32_t sequence) {
    mnl_attr_put_u32(s->nlh, NFULA_SEQ, htonl(sequence));
}

/* What connection tracking says, with the port that was asked for. */
static inline void sample_connection(struct sample *s, uint32_t info, uint16_t port) {
    struct nlattr *entry = mnl_attr_nest_start(s->nlh, NFULA_CT);
    struct nlattr *tuple = mnl_attr_nest_start(s->nlh, CTA_TUPLE_ORIG);
    struct nlattr *proto = mnl_attr_nest_start(s->nlh, CTA_TUPLE_PROTO);

    mnl_attr_put_u16(s->nlh, CTA_PROTO_DST_PORT, htons(port));
    mnl_attr_nest_end(s->nlh, proto);
    mnl_attr_nest_end(s->nlh, tuple);
    mnl_attr_nest_end(s->nlh, entry);
    mnl_attr_put_u32(s->nlh, NFULA_CT_INFO, htonl(info));
}

/* 198.51.100.7 port 40000 to 10.1.0.81 port 3306, a SYN. */
static const uint8_t sample_tcp4[] = {
    0x45, 0,    0,    40,   0, 1, 0, 0, 64, 6, 0, 0, 198,  51, 100, 7, 10, 1, 0, 81, /* IPv4 */
    0x9c, 0x40, 0x0c, 0xea, 0, 0, 0, 1, 0,  0, 0, 0, 0x50, 2,  0,   0, 0,  0, 0, 0,  /* TCP */
};
/* 2001:db8::7 to 2001:db8:1::81, next header to be chosen at [6]. */
static const uint8_t sample_ip6[] = {
    0x60, 0, 0, 0, 0,    20,   6,    64,   0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
    0,    0, 0, 7, 0x20, 0x01, 0x0d, 0xb8, 0,    1,    0,    0,    0, 0, 0, 0, 0, 0, 0, 0x81,
};

#endif
