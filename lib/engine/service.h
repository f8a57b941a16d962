/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_SERVICE_H
#define PORTD_ENGINE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The IANA numbers of the protocols that a flow can name (Assigned Internet Protocol Numbers). */
enum protocol {
    PROTOCOL_ICMP = 1,
    PROTOCOL_IGMP = 2,
    PROTOCOL_TCP = 6,
    PROTOCOL_UDP = 17,
    PROTOCOL_ICMPV6 = 58,
    PROTOCOL_SCTP = 132,
};

/* One protocol with its ports (tcp, udp, sctp: 1 to 65535) or types (icmp, icmpv6: 0 to 255),
 * both ends included. For igmp lo and hi are 0: it is allowed or not. */
struct service {
    uint8_t protocol;
    uint16_t lo, hi;
};

const char *protocol_name(uint8_t protocol); /* NULL: none of the above */
/* Length-delimited; 0 when unknown. */
uint8_t protocol_from_name(const char *name, size_t n);
bool protocol_has_ports(uint8_t protocol);

/* Type names as `nft` prints them ("echo-request", "nd-neighbor-solicit"); -1 / NULL: unknown. */
int icmp_type_from_name(uint8_t protocol, const char *name, size_t n);
const char *icmp_type_name(uint8_t protocol, uint8_t type);

#define SERVICE_TEXT_MAX 48
/* "tcp/443", "udp/5701-5801", "icmp/echo-request", "icmpv6", "igmp". */
const char *service_format(const struct service *s, char buf[static SERVICE_TEXT_MAX]);
uint32_t service_width(const struct service *s); /* ports or types */
int service_compare(const struct service *a, const struct service *b);
/* Sorts, and joins ports that overlap or touch; returns how many are left. */
size_t services_join(struct service *services, size_t n);

/* What the text of a service in a policy says: at most two protocols ("tcp+udp/53"), and a
 * number, a range, a type, or the name of a port to be looked up ("tcp/$rest"). */
struct service_spec {
    uint8_t protocols[2];
    size_t n_protocols;
    const char *port_name; /* into the text, behind the '$'; NULL: lo and hi hold */
    uint16_t lo, hi;
};

/* 0, or SERVICE_E_INVALID with a sentence in *reterr (static) that says what is wrong. */
enum { SERVICE_E_INVALID = 1 };
int service_parse(const char *text, struct service_spec *ret, const char **reterr);
/* What was probably meant by a text that is no service ("TCP/443", "443/tcp", "icmp/echo"), as a
 * text that is one. False: nothing comes near. */
bool service_nearest(const char *text, char buf[static SERVICE_TEXT_MAX]);

#endif
