/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each field of a probe is a value, a range, or nothing that is known; a condition is compared with
 * that as one range with another. */
#include "engine/probe.h"

enum { NFPROTO_OF_IPV4 = 2, NFPROTO_OF_IPV6 = 10 }; /* NFPROTO_* of linux/netfilter.h */

#define INTERFACE_LO 1U

/* Ports of those who ask: net.ipv4.ip_local_port_range as Linux has it. */
#define EPHEMERAL_MIN 32768U
#define EPHEMERAL_MAX 60999U

bool probe_is_incoming(const struct probe *p) {
    return (p->direction == DIRECTION_IN) != p->is_answer;
}

static struct values one_range(struct range r) {
    return (struct values){ .ranges = { r }, .n = 1 };
}

static struct values one_byte(uint8_t value) {
    struct range r = { .lo.bytes = { value }, .hi.bytes = { value } };

    return one_range(r);
}

static struct values one_number(uint32_t value) {
    struct range r = { 0 };

    memcpy(r.lo.bytes, &value, sizeof(value));
    r.hi = r.lo;
    return one_range(r);
}

static struct values ports(uint16_t lo, uint16_t hi) {
    struct range r = { .lo.bytes = { (uint8_t)(lo >> 8), (uint8_t)lo },
                       .hi.bytes = { (uint8_t)(hi >> 8), (uint8_t)hi } };

    return one_range(r);
}

/* A host with more addresses than fit is known by the first ones only. */
static struct values own_addresses(const struct probe *p) {
    const struct intent_host *self = &p->intent->self;
    struct values v = { 0 };

    for (size_t i = 0; i < self->n_addresses; i++) {
        if (self->addresses[i].family != p->family)
            continue;
        if (v.n < VALUES_MAX)
            v.ranges[v.n++] = self->addresses[i].range;
        else
            v.is_unknown = true;
    }
    if (v.n == 0)
        v.is_unknown = true;
    return v;
}

static bool has_ports(const struct probe *p) {
    return protocol_has_ports(p->service.protocol);
}

/* The port that the service has its name from, on the side that listens. */
static struct values port_values(const struct probe *p, bool is_source) {
    if (!has_ports(p))
        return (struct values){ 0 };
    if (is_source == p->is_answer)
        return ports(p->service.lo, p->service.hi);
    return ports(EPHEMERAL_MIN, EPHEMERAL_MAX);
}

static struct values icmp_values(const struct probe *p) {
    struct range r = { .lo.bytes = { (uint8_t)p->service.lo },
                       .hi.bytes = { (uint8_t)p->service.hi } };

    if (has_ports(p))
        return (struct values){ .is_unknown = true };
    return p->is_answer ? (struct values){ .is_unknown = true } : one_range(r);
}

static uint32_t ct_state(const struct probe *p) {
    return p->is_untracked ? CT_STATE_INVALID : p->is_answer ? CT_STATE_ESTABLISHED : CT_STATE_NEW;
}

static struct values field_values(const struct probe *p, enum foreign_field field) {
    bool is_incoming = probe_is_incoming(p);

    switch (field) {
    case FIELD_FAMILY:
        return one_byte(p->family == FAMILY_IPV4 ? NFPROTO_OF_IPV4 : NFPROTO_OF_IPV6);
    case FIELD_PROTOCOL:
        return one_byte(p->service.protocol);
    case FIELD_SOURCE:
        return is_incoming ? one_range(p->other) : own_addresses(p);
    case FIELD_DESTINATION:
        return is_incoming ? own_addresses(p) : one_range(p->other);
    case FIELD_SOURCE_PORT:
        return port_values(p, true);
    case FIELD_DESTINATION_PORT:
        return port_values(p, false);
    case FIELD_ICMP_TYPE:
        return icmp_values(p);
    case FIELD_CT_STATE:
        return one_number(ct_state(p));
    case FIELD_CT_DIRECTION:
        return p->is_untracked ? (struct values){ 0 }
                               : one_byte(p->is_answer ? CT_REPLY : CT_ORIGINAL);
    case FIELD_DESTINATION_TYPE:
        return one_number(is_incoming ? ADDRESS_TYPE_LOCAL : ADDRESS_TYPE_UNICAST);
    case FIELD_UNREAD:
    case FIELD_IIF:
    case FIELD_OIF:
    case FIELD_IIFNAME:
    case FIELD_OIFNAME:
    case FIELD_CT_STATUS:
    case FIELD_MAX:
        break;
    }
    return (struct values){ .is_unknown = true };
}

static enum fit fit_not(enum fit f) {
    switch (f) {
    case FIT_NONE:
        return FIT_ALL;
    case FIT_ALL:
        return FIT_NONE;
    case FIT_SOME:
    case FIT_UNKNOWN:
        break;
    }
    return f;
}

static bool range_covers(const struct range *outer, const struct range *inner) {
    return address_compare(&outer->lo, &inner->lo) <= 0 &&
           address_compare(&outer->hi, &inner->hi) >= 0;
}

static bool range_touches(const struct range *a, const struct range *b) {
    return address_compare(&a->lo, &b->hi) <= 0 && address_compare(&a->hi, &b->lo) >= 0;
}

static enum fit fit_range(const struct range *value, const struct range *r) {
    return range_covers(r, value) ? FIT_ALL : range_touches(r, value) ? FIT_SOME : FIT_NONE;
}

/* The element that ends first at or behind where the value begins decides. */
static enum fit fit_sorted(const struct range *value, const struct foreign_set *s) {
    size_t lo = 0, hi = s->n_elements;

    while (lo < hi) {
        size_t middle = lo + (hi - lo) / 2;

        if (address_compare(&s->elements[middle].key.hi, &value->lo) < 0)
            lo = middle + 1;
        else
            hi = middle;
    }
    return lo < s->n_elements ? fit_range(value, &s->elements[lo].key) : FIT_NONE;
}

static enum fit fit_set(const struct range *value, const struct foreign_set *s) {
    enum fit best = FIT_NONE;

    if (!s->is_whole)
        return FIT_UNKNOWN;
    if (s->is_sorted)
        return fit_sorted(value, s);
    for (size_t i = 0; i < s->n_elements; i++) {
        enum fit f = fit_range(value, &s->elements[i].key);

        if (f == FIT_ALL)
            return f;
        if (f == FIT_SOME)
            best = f;
    }
    return best;
}

/* The packets come and go through some interface other than lo: which, only the routes know. */
static bool range_is_lo(enum foreign_field field, const struct range *r) {
    static const char name[] = "lo";
    uint32_t index;

    if (field == FIELD_IIFNAME || field == FIELD_OIFNAME)
        return memcmp(r->lo.bytes, name, sizeof(name)) == 0;
    memcpy(&index, r->lo.bytes, sizeof(index));
    return index == INTERFACE_LO;
}

static enum fit fit_interface(const struct probe *p, enum foreign_field field,
                              const struct range *r) {
    bool is_in = field == FIELD_IIF || field == FIELD_IIFNAME;

    if (is_in && !probe_is_incoming(p))
        return FIT_NONE;
    return range_is_lo(field, r) ? FIT_NONE : FIT_UNKNOWN;
}

static bool is_interface(enum foreign_field field) {
    return field == FIELD_IIF || field == FIELD_OIF || field == FIELD_IIFNAME ||
           field == FIELD_OIFNAME;
}

static enum fit interface_match(const struct probe *p, const struct foreign_match *m) {
    enum fit best = FIT_NONE;

    if (!m->set)
        return fit_interface(p, m->field, &m->range);
    if (!m->set->is_whole)
        return FIT_UNKNOWN;
    for (size_t i = 0; i < m->set->n_elements && best == FIT_NONE; i++)
        best = fit_interface(p, m->field, &m->set->elements[i].key);
    return best;
}

static enum fit fit_values(const struct values *v, const struct foreign_match *m,
                           const struct range *key) {
    size_t n_all = 0, n_some = 0;

    for (size_t i = 0; i < v->n; i++) {
        enum fit f = !key && m->set ? fit_set(&v->ranges[i], m->set)
                                    : fit_range(&v->ranges[i], key ? key : &m->range);

        if (f == FIT_UNKNOWN)
            return f;
        n_all += f == FIT_ALL;
        n_some += f == FIT_SOME;
    }
    if (v->is_unknown)
        return FIT_UNKNOWN;
    if (n_all == v->n && v->n > 0)
        return FIT_ALL;
    return n_all + n_some > 0 ? FIT_SOME : FIT_NONE;
}

/* IPS_SRC_NAT and IPS_DST_NAT of linux/netfilter/nf_conntrack_common.h: packets of a flow are not
 * translated, or there is a finding that says so. */
#define STATUS_NAT (1U << 4 | 1U << 5)

static enum fit fit_mask(const struct probe *p, const struct foreign_match *m) {
    if (m->field == FIELD_CT_STATUS)
        return m->mask & ~STATUS_NAT ? FIT_UNKNOWN : FIT_NONE;
    return m->mask & ct_state(p) ? FIT_ALL : FIT_NONE;
}

/* A rule about the other family's addresses doesn't hold, whichever way round it says so; nor one
 * about ports of packets that have none. */
static bool lacks_field(const struct probe *p, const struct foreign_match *m) {
    switch (m->field) {
    case FIELD_SOURCE:
    case FIELD_DESTINATION:
        return m->family != p->family;
    case FIELD_SOURCE_PORT:
    case FIELD_DESTINATION_PORT:
        return !has_ports(p);
    case FIELD_UNREAD:
    case FIELD_FAMILY:
    case FIELD_PROTOCOL:
    case FIELD_ICMP_TYPE:
    case FIELD_IIF:
    case FIELD_OIF:
    case FIELD_IIFNAME:
    case FIELD_OIFNAME:
    case FIELD_CT_STATE:
    case FIELD_CT_STATUS:
    case FIELD_CT_DIRECTION:
    case FIELD_DESTINATION_TYPE:
    case FIELD_MAX:
        break;
    }
    return false;
}

/* A rule is looked at for each of many probes: what doesn't change is worked out once. */
static void values_fill(struct probe *p) {
    for (enum foreign_field f = 0; f < FIELD_MAX; f++)
        p->values[f] = field_values(p, f);
}

static enum fit fit_field(const struct probe *p, const struct foreign_match *m,
                          const struct range *key) {
    struct values tracked;

    if (m->field != FIELD_CT_STATE && m->field != FIELD_CT_DIRECTION)
        return fit_values(&p->values[m->field], m, key);
    tracked = field_values(p, m->field);
    return fit_values(&tracked, m, key);
}

enum fit probe_match(const struct probe *p, const struct foreign_match *m) {
    enum fit f;

    if (m->field == FIELD_UNREAD)
        return FIT_UNKNOWN;
    if (lacks_field(p, m))
        return FIT_NONE;
    if (is_interface(m->field)) {
        f = interface_match(p, m);
    } else if (m->mask) {
        f = fit_mask(p, m);
    } else {
        f = fit_field(p, m, NULL);
    }
    return m->is_negated ? fit_not(f) : f;
}

enum fit probe_element(const struct probe *p, const struct foreign_match *m,
                       const struct range *key) {
    if (m->field == FIELD_UNREAD)
        return FIT_UNKNOWN;
    if (lacks_field(p, m))
        return FIT_NONE;
    if (is_interface(m->field))
        return fit_interface(p, m->field, key);
    return fit_field(p, m, key);
}

enum fit probe_rule(const struct probe *p, const struct foreign_rule *r) {
    size_t n = r->n_matches - (r->action == ACTION_MAP && r->n_matches > 0);
    enum fit worst = FIT_ALL;

    for (size_t i = 0; i < n; i++) {
        enum fit f = probe_match(p, &r->matches[i]);

        if (f == FIT_NONE)
            return f;
        if (f == FIT_UNKNOWN || (f == FIT_SOME && worst == FIT_ALL))
            worst = f;
    }
    return worst;
}

struct tour {
    struct probe probe;
    void (*each)(const struct probe *p, void *userdata);
    void *userdata;
};

static bool carries(enum family f, uint8_t protocol) {
    return (f != FAMILY_IPV6 || protocol != PROTOCOL_ICMP) &&
           (f != FAMILY_IPV4 || protocol != PROTOCOL_ICMPV6);
}

static void emit(struct tour *s, const struct range *other) {
    s->probe.other = *other;
    for (size_t i = 0; i < s->probe.flow->n_services; i++) {
        s->probe.service = s->probe.flow->services[i];
        if (!carries(s->probe.family, s->probe.service.protocol))
            continue;
        s->probe.is_answer = false;
        values_fill(&s->probe);
        s->each(&s->probe, s->userdata);
        if (!has_ports(&s->probe))
            continue;
        s->probe.is_answer = true;
        values_fill(&s->probe);
        s->each(&s->probe, s->userdata);
    }
}

static bool has_family(const struct intent_host *self, enum family f) {
    for (size_t i = 0; i < self->n_addresses; i++)
        if (self->addresses[i].family == f)
            return true;
    return false;
}

/* Every address that a packet of a network can have: rules against 127.0.0.0/8 or ::1 from outside
 * (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.3) and against multicast sources do no harm. */
static const struct range any_ipv4[] = {
    { .lo.bytes = { 1 }, .hi.bytes = { 126, 255, 255, 255 } },
    { .lo.bytes = { 128 }, .hi.bytes = { 223, 255, 255, 255 } },
};
static const struct range any_ipv6[] = {
    { .lo.bytes = { 0x20 },
      .hi.bytes = { 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                    0xff, 0xff, 0xff } },
};

static void emit_any(struct tour *s) {
    bool is_ipv4 = s->probe.family == FAMILY_IPV4;
    const struct range *ranges = is_ipv4 ? any_ipv4 : any_ipv6;
    size_t n = is_ipv4 ? ARRAY_SIZE(any_ipv4) : ARRAY_SIZE(any_ipv6);

    for (size_t i = 0; i < n; i++)
        emit(s, &ranges[i]);
}

static void emit_party(struct tour *s, const struct party *p) {
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        if (!has_family(&s->probe.intent->self, f))
            continue;
        s->probe.family = f;
        if (p->any)
            emit_any(s);
        for (size_t i = 0; !p->any && i < p->ranges[f].n; i++)
            emit(s, &p->ranges[f].items[i]);
    }
}

void probes_each(const struct intent *in, void (*each)(const struct probe *p, void *userdata),
                 void *userdata) {
    struct tour s = { .probe.intent = in, .each = each, .userdata = userdata };

    for (size_t i = 0; i < in->n_flows; i++)
        for (enum direction d = 0; d < DIRECTION_MAX; d++) {
            struct party **others;
            size_t n;

            if (in->flows[i].state[d] != FLOW_ACTIVE)
                continue;
            s.probe.flow = &in->flows[i];
            s.probe.direction = d;
            others = flow_others(&in->flows[i], d, &n);
            for (size_t j = 0; j < n; j++)
                emit_party(&s, others[j]);
        }
}
