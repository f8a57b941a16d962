/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/reasons.h"

#include "daemon/clock.h"
#include "engine/explain.h"
#include "engine/jsonlist.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FAR 4

int reasons_open(const struct manager *m, struct reasons *ret) {
    *ret = (struct reasons){ .intent = m->enforced->intent,
                             .rules = m->enforced->rules,
                             .stamp = m->kernel_generation };
    if (!m->is_off)
        return 0;
    ret->none = ruleset_new();
    ret->rules = ret->none;
    ret->stamp = 0;
    return ret->none ? 0 : -ENOMEM;
}

void reasons_close(struct reasons *r) {
    ruleset_free(r->none);
}

static struct address key_address(const struct denied_key *k) {
    struct address a;

    memcpy(a.bytes, k->address, sizeof(a.bytes));
    return a;
}

/* An answer belongs to a flow of the other direction. */
static struct query key_query(const struct denied_key *k) {
    bool is_answer = k->kind == DENIED_ANSWER;

    return (struct query){
        .direction = is_answer ? (enum direction) !k->direction : (enum direction)k->direction,
        .service = { k->protocol, k->port, k->port },
        .family = k->family,
        .other = key_address(k),
    };
}

/* Why the engine can't be asked about a packet; NULL: it can. */
static const char *no_question(const struct denied_key *k) {
    if (k->kind == DENIED_STRAY)
        return "it belongs to no connection that this host knows: a scan, or the rest of one that "
               "is over";
    if (!protocol_name(k->protocol))
        return "no flow can open this protocol";
    if (!k->has_port && k->protocol != PROTOCOL_IGMP)
        return protocol_has_ports(k->protocol) ? "the packet shows no port"
                                               : "the packet shows no type";
    return NULL;
}

/* The less has to be done for it to open the way, the nearer. Rows of other hosts are no help. */
static int distance(const struct intent *in, json_t *near, enum direction d) {
    static const int distances[] = {
        [FLOW_ACTIVE] = 0, [FLOW_UNBOUND] = 1,     [FLOW_NO_PORT] = 1,
        [FLOW_EMPTY] = 2,  [FLOW_FEATURE_OFF] = 3, [FLOW_NOT_MINE] = FAR,
    };
    const struct intent_flow *f =
        intent_flow_find(in, json_string_value(json_object_get(near, "flow")));

    static_assert(ARRAY_SIZE(distances) == FLOW_STATE_MAX, "a state is not near or far");
    return f ? distances[f->state[d]] : FAR;
}

static json_t *nearest(const struct intent *in, json_t *all, enum direction d) {
    json_t *near, *found = NULL;
    int least = FAR;
    size_t i;

    json_array_foreach(all, i, near) {
        int n = distance(in, near, d);

        if (n < least) {
            found = near;
            least = n;
        }
    }
    return found;
}

/* { reason, flow?, nearest? } */
static json_t *reason_ask(const struct reasons *r, const struct denied_key *k) {
    const struct query q = key_query(k);
    json_t *e = explain_json(r->intent, r->rules, &q), *o;
    json_t *flow = json_object_get(json_object_get(e, "flow"), "flow");
    json_t *near = nearest(r->intent, json_object_get(e, "near"), q.direction);
    int n = e ? 0 : -1;

    o = json_pack("{s:s++}", "reason", k->kind == DENIED_ANSWER ? "an answer: " : "",
                  e ? json_string_value(json_object_get(e, "text")) : "",
                  flow ? "; it came before that, or belongs to no connection that is known" : "");
    if (o && flow)
        n |= json_object_set(o, "flow", flow);
    if (o && near)
        n |= json_object_set(o, "nearest", near);
    json_decref(e);
    return json_whole(o, n);
}

static json_t *reason(const struct reasons *r, struct denial *d) {
    const char *no = no_question(&d->key);

    if (d->why && r->stamp != 0 && d->why_stamp == r->stamp)
        return d->why;
    json_decref(d->why);
    d->why = no ? json_pack("{s:s}", "reason", no) : reason_ask(r, &d->key);
    d->why_stamp = r->stamp;
    return d->why;
}

static const char *key_service(const struct denied_key *k, char buf[static SERVICE_TEXT_MAX]) {
    const struct service s = { k->protocol, k->port, k->port };

    if (!protocol_name(k->protocol))
        snprintf(buf, SERVICE_TEXT_MAX, "protocol %u", k->protocol);
    else if (k->has_port)
        service_format(&s, buf);
    else
        snprintf(buf, SERVICE_TEXT_MAX, "%s", protocol_name(k->protocol));
    return buf;
}

static int set_neighbour(json_t *o, const struct intent *in, const struct denied_key *k) {
    const struct address a = key_address(k);
    const struct intent_neighbour *n = intent_neighbour_find(in, k->family, &a);

    if (!n)
        return 0;
    return json_object_set_new(o, "host", json_string(n->name)) |
           json_object_set_new(o, "roles", json_list_strings(n->roles, n->n_roles));
}

json_t *denial_json(const struct reasons *r, struct denial *d) {
    const struct denied_key *k = &d->key;
    const struct address a = key_address(k);
    char address[RANGE_TEXT_MAX], service[SERVICE_TEXT_MAX];
    char first[CLOCK_TEXT_SIZE], last[CLOCK_TEXT_SIZE];
    json_t *why = reason(r, d), *o;

    o = json_pack("{s:s, s:s, s:s, s:s, s:b, s:I, s:s, s:s}", "direction",
                  direction_name(k->direction), "address", address_format(&a, k->family, address),
                  "service", key_service(k, service), "kind", denied_kind_name(k->kind), "would",
                  (int)k->would, "packets", (json_int_t)d->packets, "first",
                  clock_format(d->first_usec, first), "last", clock_format(d->last_usec, last));
    if (!o)
        return NULL;
    return json_whole(o, !why ? -1 : set_neighbour(o, r->intent, k) | json_object_update(o, why));
}
