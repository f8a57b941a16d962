/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages about logged packets to their parser. Whatever comes, it reads nothing beyond the
 * message, and what it says of a packet is in itself true. The corpus is real packets:
 * tests/fuzz/make-nflog-corpus. */
#include "nft/nflog.h"

#include "engine/service.h"
#include "nft/attr.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static bool is_zero(const uint8_t *bytes, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != 0)
            return false;
    return true;
}

static void assert_sound(const struct nflog_packet *p) {
    size_t n = family_size(p->family);

    assert(p->family < FAMILY_MAX);
    assert(is_zero(p->source.bytes + n, 16 - n) && is_zero(p->destination.bytes + n, 16 - n));
    assert(!p->has_ports || (protocol_has_ports(p->protocol) && !p->is_fragment));
    assert(p->has_ports || (!p->source_port && !p->destination_port && !p->has_asked_port));
    assert(!p->has_tcp_flags || (p->protocol == PROTOCOL_TCP && p->has_ports));
    assert(p->has_tcp_flags || !p->tcp_flags);
    assert(!p->has_type || p->protocol == PROTOCOL_ICMP || p->protocol == PROTOCOL_ICMPV6);
    assert(p->has_type || !p->icmp_type);
    assert(p->has_asked_port || !p->asked_port);
    assert(p->connection <= NFLOG_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    void *copy = malloc(size); /* aligned, and exactly as long */
    const struct nlmsghdr *nlh = copy;
    struct nflog_packet p;
    int left = (int)size;

    if (copy && size) {
        memcpy(copy, bytes, size);
        for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
            for (int knows = 0; knows < 2; knows++)
                if (nflog_parse(nlh, knows, &p) == 0)
                    assert_sound(&p);
    }
    free(copy);
    return 0;
}
