/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "record.h"

#include "base/macros.h"
#include "engine/service.h"

#include <string.h>

static_assert(sizeof(struct denied_key) == 24 && sizeof(struct losses) == 24 &&
                  sizeof(struct record) == 32,
              "a record has holes");

static const char *const kind_names[] = {
    [DENIED_REQUEST] = "request", [DENIED_ANSWER] = "answer", [DENIED_STRAY] = "stray"
};
static_assert(ARRAY_SIZE(kind_names) == DENIED_KIND_MAX, "a kind has no name");

const char *denied_kind_name(enum denied_kind k) {
    return kind_names[k];
}

static bool is_icmp(uint8_t protocol) {
    return protocol == PROTOCOL_ICMP || protocol == PROTOCOL_ICMPV6;
}

static bool port_is_valid(const struct denied_key *k) {
    if (!k->has_port)
        return k->port == 0;
    return protocol_has_ports(k->protocol) || (is_icmp(k->protocol) && k->port <= UINT8_MAX);
}

static bool address_is_valid(const struct denied_key *k) {
    static const uint8_t zero[16];
    size_t n = family_size(k->family);

    return memcmp(k->address + n, zero, sizeof(zero) - n) == 0;
}

static bool key_is_valid(const struct denied_key *k) {
    return k->family < FAMILY_MAX && k->direction < DIRECTION_MAX && k->kind < DENIED_KIND_MAX &&
           k->would <= 1 && k->has_port <= 1 && port_is_valid(k) && address_is_valid(k);
}

static bool losses_are_valid(const struct losses *l) {
    static const uint32_t zero[ARRAY_SIZE(l->zero)];

    return l->missed <= RECORD_PACKETS_MAX && l->crowded <= RECORD_PACKETS_MAX &&
           l->unread <= RECORD_PACKETS_MAX && memcmp(l->zero, zero, sizeof(zero)) == 0;
}

bool record_take(const void *bytes, size_t n, struct record *ret) {
    struct record r;

    if (n != sizeof(r))
        return false;
    memcpy(&r, bytes, sizeof(r));
    if (r.type == RECORD_DENIED
            ? r.packets == 0 || r.packets > RECORD_PACKETS_MAX || !key_is_valid(&r.key)
            : r.type != RECORD_LOSSES || r.packets != 0 || !losses_are_valid(&r.losses))
        return false;
    *ret = r;
    return true;
}
