/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host lets any address ask for `web` (tcp/80 and tcp/443), an IPv4 network for `db`
 * (tcp/3306-3308), an IPv6 one for `six` (udp/53); it asks tcp/25 for `mail`, and `ping` has no
 * port. */
#include "engine/listening.h"

#include "loading.h"

#define FLOWS 5

static struct service web[] = { { PROTOCOL_TCP, 80, 80 }, { PROTOCOL_TCP, 443, 443 } };
static struct service db[] = { { PROTOCOL_TCP, 3306, 3308 } };
static struct service six[] = { { PROTOCOL_UDP, 53, 53 } };
static struct service mail[] = { { PROTOCOL_TCP, 25, 25 } };
static struct service ping[] = { { PROTOCOL_ICMP, 8, 8 } };
static struct range some;
static struct party any = { .any = true };
static struct party v4 = { .ranges[FAMILY_IPV4] = { &some, 1 } };
static struct party v6 = { .ranges[FAMILY_IPV6] = { &some, 1 } };
static struct party *from_any[] = { &any }, *from_v4[] = { &v4 }, *from_v6[] = { &v6 };

#define FLOW(name, direction, others)                                                              \
    {                                                                                              \
        .id = #name, .services = name, .n_services = ARRAY_SIZE(name), .from = others,             \
        .n_from = 1, .state = {                                                                    \
            [DIRECTION_MAX - 1 - (direction)] = FLOW_NOT_MINE                                      \
        }                                                                                          \
    }
static struct intent_flow flows[FLOWS] = {
    FLOW(web, DIRECTION_IN, from_any),  FLOW(db, DIRECTION_IN, from_v4),
    FLOW(six, DIRECTION_IN, from_v6),   FLOW(mail, DIRECTION_OUT, from_any),
    FLOW(ping, DIRECTION_IN, from_any),
};
static const struct intent intent = { .flows = flows, .n_flows = FLOWS };

/* "served tcp/80 web 0.0.0.0 …", a line each. */
static void holds(struct listener *items, size_t n, const struct audit *audit, const char *want) {
    struct listeners listeners = { items, n };
    struct listening found;
    char *said = NULL;
    size_t size;
    FILE *f = open_memstream(&said, &size);

    assert_non_null(f);
    assert_int_equal(listening_find(&intent, &listeners, audit, &found), 0);
    for (size_t i = 0; i < found.n; i++) {
        const struct listening_row *row = &found.items[i];
        char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];

        fprintf(f, "%s %s %s %s %s\n", listening_state_name(row->state),
                service_format(&row->service, service), row->flow ? row->flow->id : "-",
                !row->by              ? "-"
                : row->by->takes_both ? "*"
                                      : address_format(&row->by->address, row->by->family, address),
                row->finding ? row->finding->chain : "-");
    }
    fclose(f);
    assert_string_equal(said, want);
    free(said);
    listening_clear(&found);
}

static struct listener at(uint8_t protocol, uint16_t port, enum family family,
                          const char *address) {
    struct listener l = { .protocol = protocol, .port = port, .family = family };
    enum family parsed;

    assert_int_equal(address_parse(address, &parsed, &l.address), 0);
    assert_int_equal(parsed, family);
    return l;
}

static void nobody_listens(void **state _unused_) {
    holds(NULL, 0, NULL,
          "nobody-listens tcp/80 web - -\n"
          "nobody-listens tcp/443 web - -\n"
          "nobody-listens tcp/3306-3308 db - -\n"
          "nobody-listens udp/53 six - -\n");
}

/* Within a range, at a protocol or a port that no flow opens, and twice. */
static void ports(void **state _unused_) {
    struct listener items[] = {
        at(PROTOCOL_TCP, 3309, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 3308, FAMILY_IPV4, "10.0.0.1"),
        at(PROTOCOL_TCP, 25, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 3306, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_UDP, 443, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 3306, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 443, FAMILY_IPV6, "::"),
        at(PROTOCOL_TCP, 443, FAMILY_IPV4, "0.0.0.0"),
    };

    holds(items, ARRAY_SIZE(items), NULL,
          "nobody-listens tcp/80 web - -\n"
          "served tcp/443 web 0.0.0.0 -\n"
          "served tcp/443 web :: -\n"
          "served tcp/3306 db 0.0.0.0 -\n"
          "served tcp/3308 db 10.0.0.1 -\n"
          "nobody-listens udp/53 six - -\n"
          "not-in-policy tcp/25 - 0.0.0.0 -\n"
          "not-in-policy tcp/3309 - 0.0.0.0 -\n"
          "not-in-policy udp/443 - 0.0.0.0 -\n");
}

/* A socket that those who may ask can't reach is none of the flow's. */
static void families(void **state _unused_) {
    struct listener items[] = {
        at(PROTOCOL_TCP, 3306, FAMILY_IPV6, "::"),
        at(PROTOCOL_TCP, 3307, FAMILY_IPV6, "::"),
        at(PROTOCOL_UDP, 53, FAMILY_IPV4, "0.0.0.0"),
    };

    items[1].takes_both = true;
    holds(items, ARRAY_SIZE(items), NULL,
          "nobody-listens tcp/80 web - -\n"
          "nobody-listens tcp/443 web - -\n"
          "served tcp/3307 db * -\n"
          "nobody-listens udp/53 six - -\n"
          "not-in-policy tcp/3306 - :: -\n"
          "not-in-policy udp/53 - 0.0.0.0 -\n");
}

/* Of a flow's services those that a finding is about; where nobody listens nothing is lost. */
static void others(void **state _unused_) {
    struct finding_service https = { "web", { PROTOCOL_TCP, 443, 443 } };
    struct finding_service both[] = { { "db", { PROTOCOL_TCP, 3306, 3308 } },
                                      { "six", { PROTOCOL_UDP, 53, 53 } } };
    struct finding findings[] = {
        { .code = FINDING_UNTRACKED, .chain = "raw", .services = both, .n_services = 2 },
        { .code = FINDING_DENIES, .chain = "drops", .services = &https, .n_services = 1 },
        { .code = FINDING_PUBLISHED, .chain = "nat", .services = both, .n_services = 1 },
        { .code = FINDING_DENIES, .chain = "later", .services = both + 1, .n_services = 1 },
    };
    const struct audit audit = { .findings = findings, .n_findings = ARRAY_SIZE(findings) };
    struct listener items[] = {
        at(PROTOCOL_TCP, 443, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 80, FAMILY_IPV4, "0.0.0.0"),
        at(PROTOCOL_TCP, 3306, FAMILY_IPV4, "0.0.0.0"),
    };

    holds(items, ARRAY_SIZE(items), &audit,
          "served tcp/80 web 0.0.0.0 -\n"
          "dropped-by-others tcp/443 web 0.0.0.0 drops\n"
          "served tcp/3306 db 0.0.0.0 -\n"
          "served tcp/3306-3308 db - nat\n"
          "nobody-listens udp/53 six - -\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(ports),
        cmocka_unit_test(families),
        cmocka_unit_test(others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
