/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own list of connections, each held to both policies by the evaluator. While portd is
 * off connection tracking may know none: then those of local sockets are asked. */
#include "daemon/cuts.h"

#include "daemon/manager.h"
#include "engine/jsonlist.h"
#include "nft/conntrack.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#define SSH_PORT 22U

struct local_address {
    enum family family;
    struct address address;
};

struct search {
    struct cuts *cuts;
    struct ruleset *now;
    const struct intent *intent; /* in force */
    const struct tracked *session;
    struct local_address *locals;
    size_t n_locals;
};

void cuts_clear(struct cuts *c) {
    ruleset_free(c->then);
    free(c->items);
    free(c->blind);
    *c = (struct cuts){ 0 };
}

/* --- whose session --- */

/* Of a link-local address the interface is named, which connection tracking doesn't know. */
static bool end_parse(const char *address, const char *port, enum family *ret_family,
                      struct endpoint *ret) {
    char plain[RANGE_TEXT_MAX];
    char *end;
    unsigned long number = strtoul(port, &end, 10);

    snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(address, "%"), address);
    if (*end || number == 0 || number > UINT16_MAX)
        return false;
    ret->port = (uint16_t)number;
    return address_parse(plain, ret_family, &ret->address) == 0;
}

bool session_parse(const char *text, struct tracked *ret) {
    struct tracked t = { .protocol = PROTOCOL_TCP, .direction = DIRECTION_IN };
    char words[4][RANGE_TEXT_MAX], more;
    enum family family;

    if (sscanf(text, "%95s %95s %95s %95s %c", words[0], words[1], words[2], words[3], &more) !=
            4 ||
        !end_parse(words[0], words[1], &t.family, &t.source) ||
        !end_parse(words[2], words[3], &family, &t.destination) || family != t.family)
        return false;
    t.answerer = t.destination;
    t.answered = t.source;
    *ret = t;
    return true;
}

/* --- looking --- */

static int locals_read(struct search *s) {
    struct ifaddrs *all, *i;
    size_t n = 0;

    if (getifaddrs(&all) < 0)
        return -errno;
    for (i = all; i; i = i->ifa_next)
        n++;
    s->locals = calloc(n + 1, sizeof(*s->locals));
    for (i = s->locals ? all : NULL; i; i = i->ifa_next) {
        struct local_address *l = &s->locals[s->n_locals];

        if (!i->ifa_addr ||
            (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
            continue;
        l->family = i->ifa_addr->sa_family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
        if (l->family == FAMILY_IPV4)
            memcpy(l->address.bytes, &((const struct sockaddr_in *)i->ifa_addr)->sin_addr, 4);
        else
            memcpy(l->address.bytes, &((const struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, 16);
        s->n_locals++;
    }
    freeifaddrs(all);
    return s->locals ? 0 : -ENOMEM;
}

static bool is_local(const struct search *s, enum family f, const struct address *a) {
    if (f == FAMILY_IPV4 && a->bytes[0] == 127)
        return true;
    for (size_t i = 0; i < s->n_locals; i++)
        if (s->locals[i].family == f && address_compare(&s->locals[i].address, a) == 0)
            return true;
    return false;
}

static enum cut_rank rank(const struct search *s, const struct tracked *t) {
    const struct tracked *own = s->session;

    if (own && own->family == t->family && own->protocol == t->protocol &&
        endpoint_equals(&own->source, &t->source) && endpoint_equals(&own->answerer, &t->answerer))
        return CUT_CALLER;
    if (t->protocol == PROTOCOL_TCP && t->direction == DIRECTION_IN && !t->is_forwarded &&
        t->answerer.port == (own ? own->answerer.port : SSH_PORT))
        return CUT_SSH;
    return CUT_OTHER;
}

static int add(struct cuts *c, const struct cut *cut) {
    if (c->total++ >= CUTS_MAX) {
        if (cut->rank == CUT_CALLER)
            c->items[c->n - 1] = *cut;
        return 0;
    }
    if ((c->n & (c->n - 1)) == 0) { /* full at each power of two */
        void *grown = reallocarray(c->items, c->n ? c->n * 2 : 1, sizeof(*c->items));

        if (!grown)
            return -ENOMEM;
        c->items = grown;
    }
    c->items[c->n++] = *cut;
    return 0;
}

static int consider(struct search *s, const struct tracked *t) {
    struct cut cut = { .connection = *t, .rank = rank(s, t) };
    const char *match;

    if (tracked_passes(s->now, t, &match) || !tracked_passes(s->cuts->then, t, &match))
        return 0;
    if (match && intent_flow_find(s->intent, match))
        cut.flow = match;
    return add(s->cuts, &cut);
}

static int on_tracked(const struct tracked *found, void *userdata) {
    struct search *s = userdata;
    struct tracked t = *found;
    bool is_ours = is_local(s, t.family, &t.source.address);

    if (is_ours && is_local(s, t.family, &t.answerer.address))
        return 0; /* goes through lo */
    t.direction = is_ours ? DIRECTION_OUT : DIRECTION_IN;
    t.is_forwarded = !is_ours && !is_local(s, t.family, &t.answerer.address);
    return consider(s, &t);
}

static int each_socket(struct search *s) {
    struct open_connections open = { 0 };
    int r = sockdiag_read(&open);

    for (size_t i = 0; i < open.n && r == 0; i++) {
        const struct open_connection *o = &open.items[i];
        const struct endpoint local = { o->local.address, o->local.port };
        const struct endpoint remote = { o->remote.address, o->remote.port };
        struct tracked t = { .family = o->family, .protocol = o->protocol };

        t.direction = o->is_inbound ? DIRECTION_IN : DIRECTION_OUT;
        t.source = t.answered = o->is_inbound ? remote : local;
        t.destination = t.answerer = o->is_inbound ? local : remote;
        r = consider(s, &t);
    }
    open_connections_clear(&open);
    return r;
}

static int compare(const void *a, const void *b) {
    const struct cut *x = a, *y = b;

    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    if (x->connection.destination.port != y->connection.destination.port)
        return x->connection.destination.port < y->connection.destination.port ? -1 : 1;
    return address_compare(&x->connection.source.address, &y->connection.source.address);
}

static int look(struct manager *m, struct search *s) {
    int r = locals_read(s);

    if (r == 0)
        r = m->is_off ? each_socket(s) : conntrack_read(on_tracked, s);
    if (r < 0 && r != -ENOMEM &&
        asprintf(&s->cuts->blind, "open connections can't be listed: %s", strerror(-r)) < 0)
        return -ENOMEM;
    if (s->cuts->n > 0)
        qsort(s->cuts->items, s->cuts->n, sizeof(*s->cuts->items), compare);
    return r == -ENOMEM ? r : 0;
}

int cuts_find(struct manager *m, const struct intent *next, const struct tracked *session,
              struct cuts *ret) {
    struct cuts cuts = { 0 };
    struct search s = { .cuts = &cuts, .intent = m->enforced->intent, .session = session };
    int r;

    if (m->is_off)
        r = (cuts.then = ruleset_new()) ? 0 : -ENOMEM;
    else
        r = policy_compile(m->enforced->intent, &m->names, &cuts.then);
    if (r == 0)
        r = grants_put(&m->grants, cuts.then);
    if (r == 0)
        r = policy_compile(next, &m->names, &s.now);
    if (r == 0)
        r = grants_put(&m->grants, s.now);
    if (r == 0)
        r = look(m, &s);
    ruleset_free(s.now);
    free(s.locals);
    if (r == 0)
        *ret = cuts;
    else
        cuts_clear(&cuts);
    return r;
}

/* --- telling --- */

static const struct endpoint *other_end(const struct tracked *t) {
    return t->direction == DIRECTION_IN ? &t->source : &t->answerer;
}

static void service_text(const struct tracked *t, char buf[static SERVICE_TEXT_MAX]) {
    uint16_t port = t->is_forwarded ? t->destination.port : t->answerer.port;

    service_format(&(struct service){ t->protocol, port, port }, buf);
}

char *cut_text(const struct cut *c) {
    const struct tracked *t = &c->connection;
    const struct endpoint *other = other_end(t);
    char address[RANGE_TEXT_MAX], service[SERVICE_TEXT_MAX];
    const char *open = t->family == FAMILY_IPV6 ? "[" : "", *close = *open ? "]" : "";
    const char *flow = c->flow ? c->flow : "not enforced so far";
    char *text;
    int n;

    service_text(t, service);
    address_format(&other->address, t->family, address);
    if (t->direction == DIRECTION_OUT)
        n = asprintf(&text, "to %s on %s from port %u here (%s)", address, service, t->source.port,
                     flow);
    else
        n = asprintf(&text, "from %s%s%s:%u to %s %s (%s)", open, address, close, other->port,
                     service, t->is_forwarded ? "published here" : "here", flow);
    return n < 0 ? NULL : text;
}

static json_t *cut_json(const void *owner, size_t i) {
    const struct cut *c = &((const struct cuts *)owner)->items[i];
    const struct tracked *t = &c->connection;
    const struct endpoint *other = other_end(t);
    _cleanup_(freep) char *text = cut_text(c);
    char address[RANGE_TEXT_MAX], service[SERVICE_TEXT_MAX];

    if (!text)
        return NULL;
    service_text(t, service);
    return json_pack(
        "{s:s, s:s, s:s, s:i, s:i, s:s*, s:b, s:b, s:s}", "direction", direction_name(t->direction),
        "service", service, "address", address_format(&other->address, t->family, address), "port",
        other->port, "local_port",
        t->direction == DIRECTION_OUT ? t->source.port : t->answerer.port, "flow", c->flow,
        "forwarded", t->is_forwarded, "own", c->rank == CUT_CALLER, "text", text);
}

json_t *cuts_json(const struct cuts *c) {
    return json_list(c, c->n, cut_json);
}
