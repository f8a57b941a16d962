/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hand table's meaning is worked out here from nothing but the table: no line is shared with
 * the engine, else one mistake could stand on both sides of the comparison and go unseen. For
 * the same reason a role is matched by the name in the host line, never by address, and every
 * question walks all rows: it is slow and plain. */
#include "table.h"

#include "base/macros.h"

#include <string.h>

const char *const lab_family_names[] = { [LAB_IPV4] = "ip", [LAB_IPV6] = "ip6" };
static_assert(ARRAY_SIZE(lab_family_names) == LAB_FAMILY_MAX, "a family has no name");
const char *const lab_protocol_names[] = {
    [LAB_TCP] = "tcp",
    [LAB_UDP] = "udp",
    [LAB_ECHO] = "icmp",
};
static_assert(ARRAY_SIZE(lab_protocol_names) == LAB_PROTOCOL_MAX, "a protocol has no name");
const char *const lab_verdict_names[] = {
    [LAB_ALLOWED] = "allowed",
    [LAB_REFUSED] = "refused",
    [LAB_DROPPED] = "dropped",
    [LAB_UNANSWERED] = "unanswered",
};
static_assert(ARRAY_SIZE(lab_verdict_names) == LAB_VERDICT_MAX, "a verdict has no name");

static bool prefix_has(const struct table_prefix *p, const uint8_t *address) {
    unsigned bytes = p->length / 8, bits = p->length % 8;

    if (memcmp(p->address, address, bytes) != 0)
        return false;
    return bits == 0 || ((p->address[bytes] ^ address[bytes]) >> (8 - bits)) == 0;
}

static bool party_has(const struct table_party *p, const struct table_host *h, enum lab_family f) {
    if (p->any || (p->roles & h->roles))
        return true;
    if (h->roles && (p->servers || (p->systems & (1U << h->os))))
        return true;
    for (size_t i = 0; i < p->n_prefixes; i++)
        if (p->prefixes[i].family == f && prefix_has(&p->prefixes[i], h->address[f]))
            return true;
    return false;
}

static bool row_joins(const struct table_row *r, enum lab_end end, const struct table_host *from,
                      const struct table_host *to, enum lab_family f, enum lab_protocol p) {
    return r->ends[end] && r->protocols[p] && party_has(&r->from, from, f) &&
           party_has(&r->to, to, f);
}

bool table_end_allows(const struct table *t, enum lab_end end, const struct table_host *from,
                      const struct table_host *to, enum lab_family f, enum lab_protocol p,
                      uint16_t port) {
    const struct table_host *self = end == LAB_EGRESS ? from : to;

    if (!self->roles)
        return true;
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct table_row *r = &t->rows[i];

        if (port >= r->lo && port <= r->hi && row_joins(r, end, from, to, f, p))
            return true;
    }
    return false;
}

enum lab_verdict table_verdict(const struct table *t, const struct table_host *from,
                               const struct table_host *to, enum lab_family f, enum lab_protocol p,
                               uint16_t port) {
    if (!table_end_allows(t, LAB_EGRESS, from, to, f, p, port))
        return LAB_REFUSED;
    if (!table_end_allows(t, LAB_INGRESS, from, to, f, p, port))
        return LAB_DROPPED;
    return LAB_ALLOWED;
}

void table_open_ports(const struct table *t, enum lab_end end, const struct table_host *from,
                      const struct table_host *to, enum lab_family f, enum lab_protocol p,
                      bool ret_open[static LAB_PORTS]) {
    const struct table_host *self = end == LAB_EGRESS ? from : to;

    memset(ret_open, !self->roles, LAB_PORTS * sizeof(*ret_open));
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct table_row *r = &t->rows[i];

        if (row_joins(r, end, from, to, f, p))
            memset(ret_open + r->lo, true, (size_t)(r->hi - r->lo + 1) * sizeof(*ret_open));
    }
}

void table_add_ports(const struct table *t, struct ports *ports) {
    for (size_t i = 0; i < t->n_rows; i++)
        if (t->rows[i].lo > 0)
            ports_add_range(ports, t->rows[i].lo, t->rows[i].hi);
    for (size_t i = 0; i < t->n_ports; i++)
        for (size_t k = 0; k < t->ports[i].n; k++)
            ports_add_range(ports, t->ports[i].numbers[k], t->ports[i].numbers[k]);
}

bool table_allows_broadcast(const struct table *t, const struct table_host *from,
                            const uint8_t address[static 4], uint16_t port) {
    struct table_host everybody = { .has = { true, false } };

    if (!from->roles)
        return true;
    memcpy(everybody.address[LAB_IPV4], address, 4);
    for (size_t i = 0; i < t->n_rows; i++) {
        const struct table_row *r = &t->rows[i];

        /* A network includes its broadcast address, and `any` includes each. */
        if (port >= r->lo && port <= r->hi && r->ends[LAB_EGRESS] && r->protocols[LAB_UDP] &&
            (r->broadcast || party_has(&r->to, &everybody, LAB_IPV4)) &&
            party_has(&r->from, from, LAB_IPV4))
            return true;
    }
    return false;
}
