/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Netlink messages about anybody's tables, then the audit of what was made of them. Whatever comes,
 * it must not crash or go on for ever; and every finding has a flow of the intent's or none. The
 * corpus is real dumps: tests/fuzz/make-nft-corpus. */
#include "engine/audit.h"
#include "nft/attr.h"
#include "nft/collect.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static struct foreign *collect(const void *bytes, size_t size) {
    _cleanup_(collector_freep) struct collector *c = collector_new();
    const struct nlmsghdr *nlh = bytes;
    const struct foreign_table *table;
    struct foreign_set *set;
    int left = (int)size;

    assert(c);
    for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
        (void)collector_feed(c, nlh);
    while ((set = collector_next_set(c, &table))) {
        nlh = bytes;
        left = (int)size;
        for (; message_is_whole(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
            if ((nlh->nlmsg_type & 0xff) == 12) /* NFT_MSG_NEWSETELEM */
                (void)collector_feed(c, nlh);
        assert(collector_end_set(c, set) == 0);
    }
    return collector_finish(c);
}

/* One flow each way between this host and anybody, of every port. */
static void audit(const struct foreign *f) {
    static struct service services[] = { { PROTOCOL_TCP, 1, 65535 }, { PROTOCOL_ICMP, 8, 8 } };
    static struct party anybody = { .name = "any", .selector = "any", .any = true };
    static struct party *parties[] = { &anybody };
    static struct intent_flow flows[] = { { .id = "all",
                                            .services = services,
                                            .n_services = ARRAY_SIZE(services),
                                            .from = parties,
                                            .to = parties,
                                            .n_from = 1,
                                            .n_to = 1 } };
    static struct prefix own[] = { { .family = FAMILY_IPV4 }, { .family = FAMILY_IPV6 } };
    static const struct intent in = { .self = { .addresses = own, .n_addresses = ARRAY_SIZE(own) },
                                      .flows = flows,
                                      .n_flows = 1 };
    struct audit *a;

    assert(audit_run(&in, f, "none", &a) == 0);
    for (size_t i = 0; i < a->n_findings; i++)
        assert(a->findings[i].text && a->findings[i].n_flows <= 1);
    audit_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    void *copy = malloc(size); /* aligned, and exactly as long */
    struct foreign *f;

    if (copy && size) {
        memcpy(copy, bytes, size);
        f = collect(copy, size);
        audit(f);
        foreign_free(f);
    }
    free(copy);
    return 0;
}
