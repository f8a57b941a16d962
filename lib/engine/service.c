/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The grammar is `protocol[+protocol][/what]`. Which protocols there are and what each may have
 * behind the slash is one table; the sentences of refusals are constants, so that the parser
 * needs no memory and cannot fail but for the text. */
#include "engine/service.h"

#include "base/macros.h"
#include "engine/name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum kind { KIND_PORTS, KIND_TYPES, KIND_BARE };

static const struct {
    uint8_t number;
    const char *name;
    enum kind kind;
} protocols[] = {
    { PROTOCOL_TCP, "tcp", KIND_PORTS },   { PROTOCOL_UDP, "udp", KIND_PORTS },
    { PROTOCOL_SCTP, "sctp", KIND_PORTS }, { PROTOCOL_ICMP, "icmp", KIND_TYPES },
    { PROTOCOL_IGMP, "igmp", KIND_BARE },  { PROTOCOL_ICMPV6, "icmpv6", KIND_TYPES },
};

/* `nft describe icmp type` and `nft describe icmpv6 type`; of two names for one number the first
 * is the one that nft prints. */
static const struct {
    uint8_t protocol, type;
    const char *name;
} types[] = {
    { PROTOCOL_ICMP, 0, "echo-reply" },
    { PROTOCOL_ICMP, 3, "destination-unreachable" },
    { PROTOCOL_ICMP, 4, "source-quench" },
    { PROTOCOL_ICMP, 5, "redirect" },
    { PROTOCOL_ICMP, 8, "echo-request" },
    { PROTOCOL_ICMP, 9, "router-advertisement" },
    { PROTOCOL_ICMP, 10, "router-solicitation" },
    { PROTOCOL_ICMP, 11, "time-exceeded" },
    { PROTOCOL_ICMP, 12, "parameter-problem" },
    { PROTOCOL_ICMP, 13, "timestamp-request" },
    { PROTOCOL_ICMP, 14, "timestamp-reply" },
    { PROTOCOL_ICMP, 15, "info-request" },
    { PROTOCOL_ICMP, 16, "info-reply" },
    { PROTOCOL_ICMP, 17, "address-mask-request" },
    { PROTOCOL_ICMP, 18, "address-mask-reply" },
    { PROTOCOL_ICMPV6, 1, "destination-unreachable" },
    { PROTOCOL_ICMPV6, 2, "packet-too-big" },
    { PROTOCOL_ICMPV6, 3, "time-exceeded" },
    { PROTOCOL_ICMPV6, 4, "parameter-problem" },
    { PROTOCOL_ICMPV6, 128, "echo-request" },
    { PROTOCOL_ICMPV6, 129, "echo-reply" },
    { PROTOCOL_ICMPV6, 130, "mld-listener-query" },
    { PROTOCOL_ICMPV6, 131, "mld-listener-report" },
    { PROTOCOL_ICMPV6, 132, "mld-listener-done" },
    { PROTOCOL_ICMPV6, 132, "mld-listener-reduction" },
    { PROTOCOL_ICMPV6, 133, "nd-router-solicit" },
    { PROTOCOL_ICMPV6, 134, "nd-router-advert" },
    { PROTOCOL_ICMPV6, 135, "nd-neighbor-solicit" },
    { PROTOCOL_ICMPV6, 136, "nd-neighbor-advert" },
    { PROTOCOL_ICMPV6, 137, "nd-redirect" },
    { PROTOCOL_ICMPV6, 138, "router-renumbering" },
    { PROTOCOL_ICMPV6, 141, "ind-neighbor-solicit" },
    { PROTOCOL_ICMPV6, 142, "ind-neighbor-advert" },
    { PROTOCOL_ICMPV6, 143, "mld2-listener-report" },
};

static bool is_name(const char *name, const char *text, size_t n) {
    return strlen(name) == n && memcmp(name, text, n) == 0;
}

const char *protocol_name(uint8_t protocol) {
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].name;
    return NULL;
}

uint8_t protocol_from_name(const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (is_name(protocols[i].name, name, n))
            return protocols[i].number;
    return 0;
}

static enum kind protocol_kind(uint8_t protocol) {
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
        if (protocols[i].number == protocol)
            return protocols[i].kind;
    return KIND_BARE;
}

bool protocol_has_ports(uint8_t protocol) {
    return protocol_kind(protocol) == KIND_PORTS;
}

int icmp_type_from_name(uint8_t protocol, const char *name, size_t n) {
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].protocol == protocol && is_name(types[i].name, name, n))
            return types[i].type;
    return -1;
}

const char *icmp_type_name(uint8_t protocol, uint8_t type) {
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].protocol == protocol && types[i].type == type)
            return types[i].name;
    return NULL;
}

static bool is_every_type(const struct service *s) {
    return s->lo == 0 && s->hi == UINT8_MAX;
}

const char *service_format(const struct service *s, char buf[static SERVICE_TEXT_MAX]) {
    enum kind kind = protocol_kind(s->protocol);
    const char *name = protocol_name(s->protocol), *type = NULL;

    if (!name)
        snprintf(buf, SERVICE_TEXT_MAX, "protocol %u", s->protocol);
    else if (kind == KIND_BARE || (kind == KIND_TYPES && is_every_type(s)))
        snprintf(buf, SERVICE_TEXT_MAX, "%s", name);
    else if (s->lo != s->hi)
        snprintf(buf, SERVICE_TEXT_MAX, "%s/%u-%u", name, s->lo, s->hi);
    else if (kind == KIND_TYPES && (type = icmp_type_name(s->protocol, (uint8_t)s->lo)))
        snprintf(buf, SERVICE_TEXT_MAX, "%s/%s", name, type);
    else
        snprintf(buf, SERVICE_TEXT_MAX, "%s/%u", name, s->lo);
    return buf;
}

uint32_t service_width(const struct service *s) {
    return s->hi - s->lo + 1U;
}

static int number_compare(uint16_t a, uint16_t b) {
    return (a > b) - (a < b);
}

int service_compare(const struct service *a, const struct service *b) {
    int c = number_compare(a->protocol, b->protocol);

    c = c ? c : number_compare(a->lo, b->lo);
    return c ? c : number_compare(a->hi, b->hi);
}

static int service_compare_void(const void *a, const void *b) {
    return service_compare(a, b);
}

size_t services_join(struct service *services, size_t n) {
    size_t kept = 0;

    if (n > 0)
        qsort(services, n, sizeof(*services), service_compare_void);
    for (size_t i = 0; i < n; i++) {
        const struct service one = services[i];
        struct service *last = kept ? &services[kept - 1] : NULL;

        if (last && protocol_has_ports(one.protocol) && last->protocol == one.protocol &&
            one.lo <= (uint32_t)last->hi + 1)
            last->hi = one.hi > last->hi ? one.hi : last->hi;
        else if (!last || service_compare(last, &one) != 0)
            services[kept++] = one;
    }
    return kept;
}

static const char protocol_unknown[] =
    "the protocol must be tcp, udp, sctp, icmp, icmpv6 or igmp, as in tcp/443";
static const char protocol_pair[] =
    "only two different protocols with ports can be joined, as in tcp+udp/53";
static const char port_missing[] =
    "the port is missing: write a number, a range or the name of a port, as in tcp/443, "
    "udp/5701-5801 or tcp/$rest";
static const char port_bad[] =
    "a port is a number from 1 to 65535 without leading zeros, a range is two, as in 5701-5801";
static const char port_backward[] = "the range runs backward: write the lower port first";
static const char port_name_bad[] =
    "behind $ stands the name of a port: a letter or digit, then letters, digits, '.' and '-'";
static const char type_bad[] =
    "the type must be a number from 0 to 255 or a name that nft knows, as in icmp/echo-request";
static const char igmp_bare[] = "igmp has neither ports nor types: write igmp alone";

/* Reads decimal digits without a leading zero; UINT32_MAX when there are none or too many. */
static uint32_t number_read(const char **text) {
    const char *p = *text;
    uint32_t value = 0;

    while (*p >= '0' && *p <= '9' && p - *text < 6)
        value = value * 10 + (uint32_t)(*p++ - '0');
    if (p == *text || (**text == '0' && p - *text > 1))
        return UINT32_MAX;
    *text = p;
    return value;
}

static bool port_read(const char **text, uint16_t *ret) {
    uint32_t value = number_read(text);

    *ret = (uint16_t)value;
    return value >= 1 && value <= UINT16_MAX;
}

static bool port_name_is_valid(const char *name) {
    static const char alphanumeric[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";

    return *name && *name != '.' && *name != '-' && !name[strspn(name, alphanumeric)];
}

/* What stands behind the slash of a protocol with ports: NULL, or what is wrong. */
static const char *ports_parse(const char *text, struct service_spec *spec) {
    if (*text == '\0')
        return port_missing;
    if (*text == '$') {
        spec->port_name = text + 1;
        return port_name_is_valid(spec->port_name) ? NULL : port_name_bad;
    }
    if (!port_read(&text, &spec->lo))
        return port_bad;
    spec->hi = spec->lo;
    if (*text == '-') {
        text++;
        if (!port_read(&text, &spec->hi))
            return port_bad;
    }
    if (*text)
        return port_bad;
    return spec->hi < spec->lo ? port_backward : NULL;
}

static const char *type_parse(const char *text, struct service_spec *spec) {
    int type = icmp_type_from_name(spec->protocols[0], text, strlen(text));

    if (type < 0) {
        uint32_t number = number_read(&text);

        if (number > UINT8_MAX || *text)
            return type_bad;
        type = (int)number;
    }
    spec->lo = spec->hi = (uint16_t)type;
    return NULL;
}

/* The `n` bytes before the slash: NULL, or what is wrong. */
static const char *protocols_parse(const char *text, size_t n, struct service_spec *spec) {
    const char *plus = memchr(text, '+', n);
    size_t first = plus ? (size_t)(plus - text) : n;

    spec->protocols[0] = protocol_from_name(text, first);
    spec->n_protocols = 1;
    if (plus) {
        spec->protocols[1] = protocol_from_name(plus + 1, n - first - 1);
        spec->n_protocols = 2;
    }
    for (size_t i = 0; i < spec->n_protocols; i++)
        if (!spec->protocols[i])
            return protocol_unknown;
    if (plus &&
        (spec->protocols[0] == spec->protocols[1] || !protocol_has_ports(spec->protocols[0]) ||
         !protocol_has_ports(spec->protocols[1])))
        return protocol_pair;
    return NULL;
}

int service_parse(const char *text, struct service_spec *ret, const char **reterr) {
    size_t n = strcspn(text, "/");
    struct service_spec spec = { 0 };
    const char *what = text[n] ? text + n + 1 : NULL;
    const char *wrong = protocols_parse(text, n, &spec);

    if (!wrong)
        switch (protocol_kind(spec.protocols[0])) {
        case KIND_PORTS:
            wrong = ports_parse(what ? what : "", &spec);
            break;
        case KIND_TYPES:
            spec.hi = UINT8_MAX;
            wrong = what ? type_parse(what, &spec) : NULL;
            break;
        case KIND_BARE:
            wrong = what ? igmp_bare : NULL;
            break;
        }
    if (wrong) {
        *reterr = wrong;
        return SERVICE_E_INVALID;
    }
    *ret = spec;
    return 0;
}

/* --- what was meant --- */

/* What people say for a type that nft calls otherwise. */
static const struct {
    const char *word, *type;
} type_words[] = {
    { "echo", "echo-request" },
    { "ping", "echo-request" },
    { "pong", "echo-reply" },
};

static const char *type_nearest(uint8_t protocol, const char *text) {
    const char *items[ARRAY_SIZE(types)];
    struct names names = { .items = items };

    for (size_t i = 0; i < ARRAY_SIZE(type_words); i++)
        if (strcasecmp(type_words[i].word, text) == 0)
            return type_words[i].type;
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].protocol == protocol)
            items[names.n++] = types[i].name;
    return names_nearest(&names, text);
}

/* The protocol that the first `n` bytes name, or nearly do; NULL: none. */
static const char *protocol_nearest(const char *text, size_t n) {
    const char *items[ARRAY_SIZE(protocols)];
    struct names names = { .items = items };
    char word[SERVICE_TEXT_MAX];

    snprintf(word, sizeof(word), "%.*s", (int)n, text);
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        if (strcasecmp(protocols[i].name, word) == 0)
            return protocols[i].name;
        items[names.n++] = protocols[i].name;
    }
    return names_nearest(&names, word);
}

bool service_nearest(const char *text, char buf[static SERVICE_TEXT_MAX]) {
    size_t n = strcspn(text, "/:");
    const char *what = text[n] ? text + n + 1 : "", *protocol, *type = NULL, *wrong;
    struct service_spec spec;

    if (strlen(text) + sizeof("icmpv6/") > SERVICE_TEXT_MAX)
        return false;
    if (text[0] >= '0' && text[0] <= '9') { /* "443/tcp" */
        protocol = protocol_nearest(what, strlen(what));
        snprintf(buf, SERVICE_TEXT_MAX, "%s/%.*s", protocol ? protocol : "", (int)n, text);
        return service_parse(buf, &spec, &wrong) == 0;
    }
    protocol = protocol_nearest(text, n);
    if (!protocol)
        return false;
    if (protocol_kind(protocol_from_name(protocol, strlen(protocol))) == KIND_TYPES)
        type = type_nearest(protocol_from_name(protocol, strlen(protocol)), what);
    snprintf(buf, SERVICE_TEXT_MAX, "%s%s%s", protocol, *what ? "/" : "", type ? type : what);
    return service_parse(buf, &spec, &wrong) == 0;
}
