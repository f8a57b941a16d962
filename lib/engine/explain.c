/* SPDX-License-Identifier: GPL-2.0-or-later */
/* "Why?", answered from the same values that are enforced: the verdict by evaluating the
 * ruleset, the reasons by looking at each row that names the port. */
#include "engine/explain.h"

#include "engine/audited.h"

#include "engine/jsonlist.h"

#include <errno.h>
#include <stdio.h>

/* The most rows that an answer lists as near misses. */
#define NEAR_MAX 16U

static int query_service(const char *text, struct service *ret, char **reterr) {
    struct service_spec spec;
    const char *why;
    int r = service_parse(text, &spec, &why);

    if (r == SERVICE_E_INVALID)
        return refuse_text(EXPLAIN_E_INVALID, reterr, "\"%.64s\" is no service: %s", text, why);
    if (r < 0)
        return r;
    if (spec.port_name || spec.n_protocols != 1 || spec.lo != spec.hi)
        return refuse_text(
            EXPLAIN_E_INVALID, reterr,
            "\"%.64s\" is more than one service: say one protocol and one port or type, "
            "as in tcp/443 or icmp/echo-request",
            text);
    *ret = (struct service){ spec.protocols[0], spec.lo, spec.hi };
    return 0;
}

int query_parse(const char *direction, const char *service, const char *address, struct query *ret,
                char **reterr) {
    struct query q = { 0 };
    int r;

    for (q.direction = 0; q.direction < DIRECTION_MAX; q.direction++)
        if (strcmp(direction, direction_name(q.direction)) == 0)
            break;
    if (q.direction == DIRECTION_MAX)
        return refuse_text(EXPLAIN_E_INVALID, reterr, "\"%.64s\" is no direction: say in or out",
                           direction);
    r = query_service(service, &q.service, reterr);
    if (r != 0)
        return r;
    r = address_parse(address, &q.family, &q.other);
    if (r != 0)
        return r < 0 ? r
                     : refuse_text(EXPLAIN_E_INVALID, reterr,
                                   "\"%.64s\" is no address: say one IPv4 or IPv6 address, as in "
                                   "10.20.0.9 or 2001:db8::9",
                                   address);
    if ((q.service.protocol == PROTOCOL_ICMP && q.family != FAMILY_IPV4) ||
        (q.service.protocol == PROTOCOL_ICMPV6 && q.family != FAMILY_IPV6))
        return refuse_text(
            EXPLAIN_E_INVALID, reterr, "%s never carries %s: ask for the other protocol or address",
            q.family == FAMILY_IPV4 ? "IPv4" : "IPv6", protocol_name(q.service.protocol));
    *ret = q;
    return 0;
}

/* Whether the kernel sends it through lo: 127.0.0.0/8, ::1 and what the site says is our own. */
static bool is_here(const struct intent *in, const struct query *q) {
    static const struct address loopback6 = { .bytes = { [15] = 1 } };

    for (size_t i = 0; i < in->self.n_addresses; i++) {
        const struct prefix *own = &in->self.addresses[i];

        if (own->family == q->family && range_is_host(&own->range) &&
            address_compare(&own->range.lo, &q->other) == 0)
            return true;
    }
    return q->family == FAMILY_IPV4 ? q->other.bytes[0] == 127
                                    : address_compare(&q->other, &loopback6) == 0;
}

/* 255.255.255.255 (RFC 919 section 7). A subnet's own broadcast address only the kernel knows. */
static bool is_broadcast(const struct query *q) {
    static const uint8_t limited[] = { 255, 255, 255, 255 };

    return q->family == FAMILY_IPV4 && memcmp(q->other.bytes, limited, sizeof(limited)) == 0;
}

/* The first packet of the connection asked about. The address of this host decides nothing. */
static struct packet query_packet(const struct intent *in, const struct query *q) {
    bool is_icmp = q->service.protocol == PROTOCOL_ICMP || q->service.protocol == PROTOCOL_ICMPV6;
    struct packet p = {
        .direction = q->direction,
        .family = q->family,
        .protocol = q->service.protocol,
        .destination_port = is_icmp ? 0 : q->service.lo,
        .icmp_type = is_icmp ? (uint8_t)q->service.lo : 0,
        .ct_state = CT_STATE_NEW,
        .is_loopback = is_here(in, q),
        .destination_type = is_broadcast(q) ? ADDRESS_TYPE_BROADCAST : ADDRESS_TYPE_UNICAST,
    };

    if (q->direction == DIRECTION_IN)
        p.source = q->other;
    else
        p.destination = q->other;
    return p;
}

static bool flow_names_service(const struct intent_flow *f, const struct service *s) {
    for (size_t i = 0; i < f->n_services; i++)
        if (f->services[i].protocol == s->protocol && f->services[i].lo <= s->lo &&
            s->lo <= f->services[i].hi)
            return true;
    return false;
}

/* Whether the rules have sets for what DNS says of a party, and nothing in them. */
static bool is_unresolved(const struct party *p, const struct ruleset *rules) {
    bool has_set = false;

    for (enum family f = 0; f < FAMILY_MAX; f++) {
        char name[SET_NAME_MAX];
        const struct set *set = ruleset_set(rules, party_set_name(p, ORIGIN_DNS, f, name));

        if (set && set->n_elements > 0)
            return false;
        has_set = has_set || set;
    }
    return has_set;
}

static void party_write(const struct party *p, const struct ruleset *rules, FILE *f) {
    fputs(p->selector, f);
    for (size_t i = 0; i < p->n_hostnames; i++)
        fprintf(f, "%s%s", i ? ", " : " (", p->hostnames[i]);
    if (p->n_hostnames > 0)
        fprintf(f, " by DNS%s)", is_unresolved(p, rules) ? ", of which no address is known" : "");
}

static char *parties_join(struct party *const *parties, size_t n, const struct ruleset *rules) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        fputs(i ? ", " : "", f);
        party_write(parties[i], rules, f);
    }
    if (fclose(f) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static char *miss_reason(const struct intent *in, const struct ruleset *rules,
                         const struct intent_flow *f, const struct query *q) {
    char address[RANGE_TEXT_MAX];
    _cleanup_(freep) char *who = NULL;
    char *text = NULL;
    size_t n;
    struct party **others = flow_others(f, q->direction, &n);
    int r = -1;

    switch (f->state[q->direction]) {
    case FLOW_ACTIVE:
        who = parties_join(others, n, rules);
        r = asprintf(&text, "%s is not in %s%s", address_format(&q->other, q->family, address),
                     who ? who : "it",
                     f->broadcast && q->direction == DIRECTION_OUT && q->family == FAMILY_IPV4
                         ? "; the broadcast address of a link is open as well"
                         : "");
        break;
    case FLOW_FEATURE_OFF:
        r = asprintf(&text, "feature %s is off", f->missing);
        break;
    case FLOW_NOT_MINE:
        r = asprintf(&text, "%s is not on that end of it", in->self.name);
        break;
    case FLOW_NO_PORT:
        r = asprintf(&text, "the site does not name the port %s", f->missing);
        break;
    case FLOW_UNBOUND:
        r = asprintf(&text, "peer %s is unbound", f->missing);
        break;
    case FLOW_EMPTY:
        r = asprintf(&text, "nobody is on the other end yet");
        break;
    case FLOW_STATE_MAX:
        break;
    }
    return r < 0 ? NULL : text;
}

/* What it opens; behind that, as the row says them, those whose port the site has to name. */
static json_t *services_json(const struct intent_flow *f) {
    json_t *array = json_array(), *unnamed = json_list_words(&f->unnamed);
    char buf[SERVICE_TEXT_MAX];
    int r = unnamed ? 0 : -1;

    for (size_t i = 0; array && r == 0 && i < f->n_services; i++)
        r = json_array_append_new(array, json_string(service_format(&f->services[i], buf)));
    if (array && r == 0)
        r = json_array_extend(array, unnamed);
    json_decref(unnamed);
    if (r == 0)
        return array;
    json_decref(array);
    return NULL;
}

static int set_optional(json_t *object, const char *key, const char *text) {
    return text ? json_object_set_new(object, key, json_string(text)) : 0;
}

/* Where a row stands and what it says: shared by every shape that shows a flow. */
static json_t *flow_json(const struct intent_flow *f) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:o, s:o, s:o, s:o}", "flow", f->id, "product",
                          f->product, "title", f->title ? f->title : "", "file", f->file, "line",
                          (int)f->line, "services", services_json(f), "from",
                          json_list_words(&f->from_words), "to", json_list_words(&f->to_words),
                          "when", json_list_words(&f->when));

    if (o && (set_optional(o, "note", f->note) < 0 || set_optional(o, "ref", f->ref) < 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

/* Whether its note can say why: not of a row that is off or about other hosts. */
static bool is_nearest(const struct intent_flow *f, enum direction d) {
    return f->state[d] != FLOW_FEATURE_OFF && f->state[d] != FLOW_NOT_MINE;
}

/* A row that names the service, and why it doesn't open it. */
static json_t *miss_json(const struct intent *in, const struct ruleset *rules,
                         const struct intent_flow *f, const struct query *q) {
    _cleanup_(freep) char *reason = miss_reason(in, rules, f, q);
    const char *note = is_nearest(f, q->direction) ? f->note : NULL;
    json_t *o;

    if (!reason)
        return NULL;
    o = json_pack("{s:s, s:o, s:o, s:s, s:s, s:i}", "flow", f->id, "services", services_json(f),
                  "parties",
                  json_list_words(q->direction == DIRECTION_IN ? &f->from_words : &f->to_words),
                  "reason", reason, "file", f->file, "line", (int)f->line);
    if (o && (set_optional(o, "note", note) < 0 || set_optional(o, "ref", f->ref) < 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static json_t *near_json(const struct intent *in, const struct ruleset *rules,
                         const struct query *q) {
    json_t *near = json_array();

    for (size_t i = 0; near && i < in->n_flows && json_array_size(near) < NEAR_MAX; i++) {
        if (!flow_names_service(&in->flows[i], &q->service))
            continue;
        if (json_array_append_new(near, miss_json(in, rules, &in->flows[i], q)) < 0) {
            json_decref(near);
            near = NULL;
        }
    }
    return near;
}

static const struct intent_flow *decision_flow(const struct intent *in, const struct decision *d) {
    return d->accepted && d->match ? intent_flow_find(in, d->match->comment) : NULL;
}

static char *explain_text(const struct intent *in, const struct query *q, const struct decision *d,
                          const struct intent_flow *f, bool is_enforced) {
    char address[RANGE_TEXT_MAX], service[SERVICE_TEXT_MAX];
    const char *way = q->direction == DIRECTION_IN ? "from" : "to";
    char *text = NULL;
    int r;

    address_format(&q->other, q->family, address);
    service_format(&q->service, service);
    if (!is_enforced)
        r = asprintf(&text, "portd is off: %s %s %s is not denied", service, way, address);
    else if (f)
        r = asprintf(&text, "%s opens %s %s %s: %s", f->id, service, way, address,
                     f->title ? f->title : "");
    else if (!d->accepted)
        r = asprintf(&text, "no flow of this host opens %s %s %s", service,
                     q->direction == DIRECTION_IN ? "to" : "towards", address);
    else if (is_here(in, q))
        r = asprintf(&text, "%s is this host itself: loopback is always open", address);
    else if (in->modes[q->direction] == MODE_ENFORCE)
        r = asprintf(&text, "%s %s %s passes only because %s is in audit mode: no flow opens it",
                     service, way, address, audited_service(in, q->direction, &q->service));
    else
        r = asprintf(&text, "%s is %s: %s %s %s is not denied, though no flow opens it",
                     q->direction == DIRECTION_IN ? "ingress" : "egress",
                     mode_name(in->modes[q->direction]), service, way, address);
    return r < 0 ? NULL : text;
}

static int set_hits(json_t *o, const struct ruleset *have, const struct intent_flow *f) {
    static const char *const packets[] = { "packets_in", "packets_out" };
    static const char *const bytes[] = { "bytes_in", "bytes_out" };

    static_assert(ARRAY_SIZE(packets) == DIRECTION_MAX && ARRAY_SIZE(bytes) == DIRECTION_MAX,
                  "a direction has no words");
    for (enum direction d = 0; d < DIRECTION_MAX; d++) {
        _cleanup_(freep) char *name = NULL;
        const struct counter *c;

        if (f->state[d] != FLOW_ACTIVE)
            continue;
        if (asprintf(&name, "%s/%s", direction_name(d), f->id) < 0) {
            name = NULL;
            return -1;
        }
        c = ruleset_counter(have, name);
        if (c && (json_object_set_new(o, packets[d], json_integer((json_int_t)c->packets)) < 0 ||
                  json_object_set_new(o, bytes[d], json_integer((json_int_t)c->bytes)) < 0))
            return -1;
    }
    return 0;
}

static json_t *flow_row(const struct intent_flow *f, const struct ruleset *have) {
    json_t *o = flow_json(f);

    if (!o)
        return NULL;
    if (json_object_set_new(o, "ingress", json_string(flow_state_name(f->state[DIRECTION_IN]))) <
            0 ||
        json_object_set_new(o, "egress", json_string(flow_state_name(f->state[DIRECTION_OUT]))) <
            0 ||
        set_optional(o, "missing", f->missing) < 0 || (have && set_hits(o, have, f) < 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

static const char *verdict_word(const struct decision *d) {
    return d->accepted ? "ACCEPT" : d->rejected ? "REJECT" : "DROP";
}

json_t *explain_json(const struct intent *in, const struct ruleset *rules, const struct query *q) {
    struct packet packet = query_packet(in, q);
    struct decision d = ruleset_eval(rules, &packet);
    const struct intent_flow *f = decision_flow(in, &d);
    _cleanup_(freep) char *text = explain_text(in, q, &d, f, rules->exists);
    char address[RANGE_TEXT_MAX], service[SERVICE_TEXT_MAX];
    json_t *o;

    if (!text)
        return NULL;
    o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:o}", "verdict", verdict_word(&d), "direction",
                  direction_name(q->direction), "service", service_format(&q->service, service),
                  "address", address_format(&q->other, q->family, address), "text", text, "near",
                  f || packet.is_loopback ? json_array() : near_json(in, rules, q));
    if (o && f && json_object_set_new(o, "flow", flow_row(f, NULL)) < 0) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *flows_json(const struct intent *in, const struct ruleset *have) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < in->n_flows; i++)
        if (json_array_append_new(array, flow_row(&in->flows[i], have)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

static const struct counter *direction_counter(const struct ruleset *have, const char *prefix,
                                               enum direction d) {
    char name[32];

    snprintf(name, sizeof(name), "%s/%s", prefix, direction_name(d));
    return ruleset_counter(have, name);
}

/* A direction that is off has no counter, one without parts in audit mode none of those. */
json_t *denied_json(const struct ruleset *have) {
    json_t *array = json_array();
    int r = array ? 0 : -1;

    for (enum direction d = 0; r == 0 && d < DIRECTION_MAX; d++) {
        const struct counter *c = direction_counter(have, "denied", d);
        const struct counter *would = direction_counter(have, "audit", d);
        json_t *o;

        if (!c)
            continue;
        o = json_pack("{s:s, s:I, s:I}", "direction", direction_name(d), "packets",
                      (json_int_t)c->packets, "bytes", (json_int_t)c->bytes);
        if (o && would)
            r |= json_object_set_new(o, "audited_packets",
                                     json_integer((json_int_t)would->packets)) |
                 json_object_set_new(o, "audited_bytes", json_integer((json_int_t)would->bytes));
        r |= json_array_append_new(array, o);
    }
    return json_whole(array, r);
}

static json_t *mistake_json(const struct report_entry *e) {
    json_t *o = json_pack("{s:s}", "text", e->text);

    if (!o)
        return NULL;
    if (set_optional(o, "file", e->place.file) < 0 ||
        set_optional(o, "pointer", e->place.pointer) < 0 ||
        (e->place.line && json_object_set_new(o, "line", json_integer(e->place.line)) < 0) ||
        (e->place.column && json_object_set_new(o, "column", json_integer(e->place.column)) < 0)) {
        json_decref(o);
        return NULL;
    }
    return o;
}

json_t *report_json(const struct report *r) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < r->n_entries; i++)
        if (json_array_append_new(array, mistake_json(&r->entries[i])) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}

json_t *warnings_json(const struct intent *in) {
    json_t *array = json_array();

    for (size_t i = 0; array && i < in->n_warnings; i++)
        if (json_array_append_new(array, json_pack("{s:s, s:s, s:s}", "code", in->warnings[i].code,
                                                   "text", in->warnings[i].text, "hint",
                                                   in->warnings[i].hint)) < 0) {
            json_decref(array);
            return NULL;
        }
    return array;
}
