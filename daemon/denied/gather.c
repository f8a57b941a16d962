/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plain list searched from its beginning: it is short, and the rate of what comes in is bounded
 * by the rules that log and by how often the reader reads. */
#include "gather.h"

#include "engine/ruleset.h"
#include "nft/attr.h"

#include <string.h>

#define TCP_SYN 2 /* RFC 9293 section 3.1 */
#define TCP_ACK 16

static void losses_add(uint32_t *to, uint32_t n) {
    *to = n > RECORD_PACKETS_MAX - *to ? RECORD_PACKETS_MAX : *to + n;
}

/* A guess, where the kernel doesn't say: who answers does so from the lower port. Of datagrams
 * nothing can be guessed. */
static bool is_answer_like(const struct nflog_packet *p) {
    switch (p->tcp_flags & (TCP_SYN | TCP_ACK)) {
    case TCP_SYN:
        return false;
    case TCP_SYN | TCP_ACK:
        return true;
    default:
        return p->has_tcp_flags && p->source_port < p->destination_port;
    }
}

static enum denied_kind packet_kind(const struct gather *g, const struct nflog_packet *p) {
    if (!g->knows_connections)
        return is_answer_like(p) ? DENIED_ANSWER : DENIED_REQUEST;
    switch (p->connection) {
    case NFLOG_ANSWERING:
        return DENIED_ANSWER;
    case NFLOG_UNKNOWN:
        return DENIED_STRAY;
    case NFLOG_ASKING:
        break;
    }
    return DENIED_REQUEST;
}

/* Packets of a published port meet the rules on their way to somebody else: who asks for it is
 * judged as those who ask this host. */
static enum direction packet_direction(const struct nflog_packet *p, enum denied_kind kind) {
    if (p->hook == HOOK_FORWARD)
        return kind == DENIED_ANSWER ? DIRECTION_OUT : DIRECTION_IN;
    return p->hook == HOOK_OUTPUT ? DIRECTION_OUT : DIRECTION_IN;
}

/* Which of its ports a stray packet is about, nobody knows: scans and the rests of old connections
 * would fill the list with them. */
static void key_port(const struct nflog_packet *p, struct denied_key *k) {
    if (p->has_type)
        k->port = p->icmp_type;
    else if (p->has_asked_port)
        k->port = p->asked_port;
    else if (p->has_ports)
        k->port = k->kind == DENIED_ANSWER ? p->source_port : p->destination_port;
    k->has_port = p->has_type || (p->has_ports && k->kind != DENIED_STRAY);
    if (!k->has_port)
        k->port = 0;
}

static struct denied_key packet_key(const struct gather *g, const struct nflog_packet *p) {
    enum denied_kind kind = packet_kind(g, p);
    enum direction d = packet_direction(p, kind);
    struct denied_key k = {
        .protocol = p->protocol,
        .family = (uint8_t)p->family,
        .direction = (uint8_t)d,
        .kind = (uint8_t)kind,
        .would = p->group == PORTD_LOG_GROUP_WOULD,
    };

    memcpy(k.address, d == DIRECTION_IN ? p->source.bytes : p->destination.bytes,
           sizeof(k.address));
    key_port(p, &k);
    return k;
}

static void gather_packet(struct gather *g, const struct nflog_packet *p) {
    struct denied_key k = packet_key(g, p);

    for (size_t i = 0; i < g->n; i++)
        if (memcmp(&g->records[i].key, &k, sizeof(k)) == 0) {
            losses_add(&g->records[i].packets, 1);
            return;
        }
    if (g->n == GATHER_RECORDS)
        losses_add(&g->losses.crowded, 1);
    else
        g->records[g->n++] = (struct record){ .type = RECORD_DENIED, .packets = 1, .key = k };
}

static void sequence_follow(struct gather *g, const struct nflog_packet *p) {
    size_t i = p->group == PORTD_LOG_GROUP_WOULD;

    if (!p->has_sequence)
        return;
    if (g->is_counting[i])
        losses_add(&g->losses.missed, p->sequence - g->next_sequence[i]);
    g->is_counting[i] = true;
    g->next_sequence[i] = p->sequence + 1;
}

static void gather_message(struct gather *g, const struct nlmsghdr *nlh) {
    struct nflog_packet p;

    switch (nflog_parse(nlh, g->knows_connections, &p)) {
    case 0:
        sequence_follow(g, &p);
        gather_packet(g, &p);
        break;
    case NFLOG_E_BROKEN:
        losses_add(&g->losses.unread, 1);
        break;
    default: /* the end of a batch (NLMSG_DONE) */
        break;
    }
}

void gather_datagram(struct gather *g, const void *bytes, size_t n) {
    const struct nlmsghdr *nlh = bytes;
    int left = (int)n;

    for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
        gather_message(g, nlh);
    if (left > 0)
        losses_add(&g->losses.unread, 1);
}

const struct record *gather_next(struct gather *g, struct record *buffer) {
    static const struct losses none;

    if (g->n > 0)
        return &g->records[g->n - 1];
    if (memcmp(&g->losses, &none, sizeof(none)) == 0)
        return NULL;
    *buffer = (struct record){ .type = RECORD_LOSSES };
    buffer->losses = g->losses;
    return buffer;
}

void gather_done(struct gather *g, const struct record *r) {
    if (r->type == RECORD_DENIED)
        g->n--;
    else
        g->losses = (struct losses){ 0 };
}
