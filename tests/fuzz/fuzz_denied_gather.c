/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Datagrams to what portd-denied makes of them: whatever comes, each record is one that portd
 * takes, and no packet is lost without being counted. The corpus is fuzz_nft_nflog's. */
#include "daemon/denied/gather.h"

#include "nft/attr.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static size_t packets_in(const void *bytes, size_t size) {
    const struct nlmsghdr *nlh = bytes;
    struct nflog_packet p;
    int left = (int)size;
    size_t n = 0;

    for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
        n += nflog_parse(nlh, true, &p) == 0;
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    void *copy = malloc(size); /* aligned, and exactly as long */
    struct gather g = { .knows_connections = size % 2 };
    size_t read = 0, expected;
    struct record buffer, r;
    const struct record *next;

    if (copy && size) {
        memcpy(copy, bytes, size);
        expected = packets_in(copy, size);
        gather_datagram(&g, copy, size);
        while ((next = gather_next(&g, &buffer))) {
            assert(record_take(next, sizeof(*next), &r));
            read += r.type == RECORD_DENIED ? r.packets : r.losses.crowded;
            gather_done(&g, next);
        }
        assert(read == expected);
    }
    free(copy);
    return 0;
}
