/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Of the extensions only those that every generator of rules uses: ports, the state of the
 * connection, and whether an address is this host's. The structures are those of the kernel's
 * own headers, of which a message may have more than we read, never less. */
#include "nft/xtables.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_tcpudp.h>

/* A copy of the extension's bytes, at least `size` of them. */
static bool info_read(const struct nlattr *a, void *ret, size_t size) {
    if (!a || mnl_attr_get_payload_len(a) < size)
        return false;
    memcpy(ret, mnl_attr_get_payload(a), size);
    return true;
}

static struct foreign_match match_ports(enum foreign_field field, const uint16_t ports[static 2],
                                        bool is_negated) {
    struct foreign_match m = { .field = field, .is_negated = is_negated };
    uint16_t lo = htons(ports[0]), hi = htons(ports[1]);

    memcpy(m.range.lo.bytes, &lo, sizeof(lo));
    memcpy(m.range.hi.bytes, &hi, sizeof(hi));
    return m;
}

static size_t read_tcp(const struct nlattr *info, struct foreign_match *ret) {
    struct xt_tcp tcp;

    if (!info_read(info, &tcp, sizeof(tcp)) || tcp.option || tcp.flg_mask)
        return 0;
    ret[0] = match_ports(FIELD_SOURCE_PORT, tcp.spts, tcp.invflags & XT_TCP_INV_SRCPT);
    ret[1] = match_ports(FIELD_DESTINATION_PORT, tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT);
    return 2;
}

static size_t read_udp(const struct nlattr *info, struct foreign_match *ret) {
    struct xt_udp udp;

    if (!info_read(info, &udp, sizeof(udp)))
        return 0;
    ret[0] = match_ports(FIELD_SOURCE_PORT, udp.spts, udp.invflags & XT_UDP_INV_SRCPT);
    ret[1] = match_ports(FIELD_DESTINATION_PORT, udp.dpts, udp.invflags & XT_UDP_INV_DSTPT);
    return 2;
}

static size_t read_conntrack(const struct nlattr *info, struct foreign_match *ret) {
    struct xt_conntrack_mtinfo3 ct;

    if (!info_read(info, &ct, sizeof(ct)) || ct.match_flags != XT_CONNTRACK_STATE ||
        ct.state_mask == 0)
        return 0;
    ret[0] = (struct foreign_match){ .field = FIELD_CT_STATE,
                                     .mask = ct.state_mask,
                                     .is_negated = ct.invert_flags & XT_CONNTRACK_STATE };
    return 1;
}

static size_t read_addrtype(const struct nlattr *info, struct foreign_match *ret) {
    struct xt_addrtype_info_v1 type;
    uint32_t local = ADDRESS_TYPE_LOCAL;

    if (!info_read(info, &type, sizeof(type)) || type.source || type.dest != 1U << local ||
        type.flags & ~(uint32_t)XT_ADDRTYPE_INVERT_DEST)
        return 0;
    ret[0] = (struct foreign_match){ .field = FIELD_DESTINATION_TYPE,
                                     .is_negated = type.flags & XT_ADDRTYPE_INVERT_DEST };
    memcpy(ret[0].range.lo.bytes, &local, sizeof(local));
    ret[0].range.hi = ret[0].range.lo;
    return 1;
}

static const struct {
    const char *name;
    uint32_t revision;
    size_t (*read)(const struct nlattr *info, struct foreign_match *ret);
} matches[] = {
    { "tcp", 0, read_tcp },
    { "udp", 0, read_udp },
    { "conntrack", 3, read_conntrack },
    { "conntrack", 2, read_conntrack }, /* the same up to the state */
    { "addrtype", 1, read_addrtype },
};

size_t xtables_match(const struct attrs *a, struct foreign_match ret[static XTABLES_MATCHES_MAX]) {
    const char *name = attr_text(a->by_type[NFTA_MATCH_NAME]);
    uint32_t revision = attr_u32_or(a->by_type[NFTA_MATCH_REV], 0);

    for (size_t i = 0; name && i < ARRAY_SIZE(matches); i++)
        if (strcmp(matches[i].name, name) == 0 && matches[i].revision == revision)
            return matches[i].read(a->by_type[NFTA_MATCH_INFO], ret);
    return 0;
}

static const struct {
    const char *name;
    enum foreign_action action;
} targets[] = {
    { "REJECT", ACTION_REJECT }, { "DNAT", ACTION_DNAT },
    { "SNAT", ACTION_SNAT },     { "MASQUERADE", ACTION_MASQUERADE },
    { "TPROXY", ACTION_TPROXY }, { "REDIRECT", ACTION_REDIRECT },
    { "NFQUEUE", ACTION_QUEUE }, { "CHECKSUM", ACTION_NONE },
    { "CLASSIFY", ACTION_NONE }, { "CONNMARK", ACTION_NONE },
    { "DSCP", ACTION_NONE },     { "LOG", ACTION_NONE },
    { "MARK", ACTION_NONE },     { "NFLOG", ACTION_NONE },
    { "TCPMSS", ACTION_NONE },   { "TRACE", ACTION_NONE },
};

enum foreign_action xtables_target(const struct attrs *a, unsigned *ret_effects) {
    const char *name = attr_text(a->by_type[NFTA_TARGET_NAME]);
    uint16_t flags;

    if (name && strcmp(name, "NOTRACK") == 0) {
        *ret_effects |= EFFECT_NOTRACK;
        return ACTION_NONE;
    }
    if (name && strcmp(name, "CT") == 0) { /* all revisions begin with the flags */
        if (info_read(a->by_type[NFTA_TARGET_INFO], &flags, sizeof(flags)) && flags & XT_CT_NOTRACK)
            *ret_effects |= EFFECT_NOTRACK;
        return ACTION_NONE;
    }
    for (size_t i = 0; name && i < ARRAY_SIZE(targets); i++)
        if (strcmp(targets[i].name, name) == 0)
            return targets[i].action;
    return ACTION_UNREAD;
}
