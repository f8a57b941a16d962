/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_LAB_TABLE_H
#define PORTD_LAB_TABLE_H

#include "ports.h"

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A port table written by hand, and what it says about one connection. The format stands at the
 * head of jtel-acd.table. */

enum lab_family { LAB_IPV4, LAB_IPV6, LAB_FAMILY_MAX };
enum lab_protocol { LAB_TCP, LAB_UDP, LAB_ECHO, LAB_PROTOCOL_MAX }; /* ICMP and ICMPv6 echo */
enum lab_end { LAB_INGRESS, LAB_EGRESS, LAB_END_MAX };
enum lab_os { LAB_NO_OS, LAB_LINUX, LAB_WINDOWS, LAB_OS_MAX };

/* What becomes of the first packet of a connection. */
enum lab_verdict {
    LAB_ALLOWED,
    LAB_REFUSED,    /* by the sender's egress, at once */
    LAB_DROPPED,    /* by the receiver's ingress, silently */
    LAB_UNANSWERED, /* arrived, and what belongs to it didn't come back: never right */
    LAB_VERDICT_MAX,
};

extern const char *const lab_family_names[LAB_FAMILY_MAX];
extern const char *const lab_protocol_names[LAB_PROTOCOL_MAX];
extern const char *const lab_verdict_names[LAB_VERDICT_MAX];

#define LAB_NAME_SIZE    32U
#define LAB_ADDRESS_SIZE 16U /* an IPv4 address stands in the first four bytes */
#define LAB_PORTS        65536U

struct table_host {
    char name[LAB_NAME_SIZE];
    enum lab_os os;
    uint32_t roles; /* a bit each, by order of first mention; 0: an outsider without portd */
    bool has[LAB_FAMILY_MAX];
    uint8_t address[LAB_FAMILY_MAX][LAB_ADDRESS_SIZE];
};

struct table_prefix {
    enum lab_family family;
    uint8_t address[LAB_ADDRESS_SIZE];
    unsigned length; /* bits */
};

#define TABLE_MEMBERS_MAX 16U
/* Whom one side of a row, or a group, means: whoever is in any of these. */
struct table_party {
    bool any, servers;
    uint32_t systems; /* a bit for each enum lab_os */
    uint32_t roles;
    struct table_prefix prefixes[TABLE_MEMBERS_MAX];
    size_t n_prefixes;
};

struct table_row {
    unsigned line;
    struct table_party from, to;
    bool protocols[LAB_PROTOCOL_MAX];
    uint16_t lo, hi;
    bool ends[LAB_END_MAX]; /* which ends it opens */
    bool broadcast;
};

struct table_group {
    char name[LAB_NAME_SIZE];
    struct table_party party;
    bool is_dns_name;
};

#define TABLE_NUMBERS_MAX 4U
/* What a name means as the ports of a row, and what else it might. */
struct table_port {
    char name[LAB_NAME_SIZE];
    uint16_t numbers[TABLE_NUMBERS_MAX];
    size_t n;
};

/* Rows whose feature is off are read, checked and left out. */
struct table {
    struct table_host *hosts;
    struct table_row *rows;
    struct table_group *groups;
    size_t n_hosts, n_rows, n_groups;
    char roles[32][LAB_NAME_SIZE];
    size_t n_roles;
    struct table_port ports[16];
    size_t n_ports;
    char features[8][LAB_NAME_SIZE];
    bool feature_on[8];
    size_t n_features;
};

/* Prints what is wrong with `path:line:` and returns NULL. */
struct table *table_load(const char *path);
struct table *table_free(struct table *t);
DEFINE_CLEANUP(struct table *, table_free);

/* Does this end, `from` sending or `to` receiving, let it pass? An end without roles runs no
 * portd and lets all pass. `port` is the destination's; 0 with LAB_ECHO. */
bool table_end_allows(const struct table *t, enum lab_end end, const struct table_host *from,
                      const struct table_host *to, enum lab_family f, enum lab_protocol p,
                      uint16_t port);
enum lab_verdict table_verdict(const struct table *t, const struct table_host *from,
                               const struct table_host *to, enum lab_family f, enum lab_protocol p,
                               uint16_t port);
/* All ports of table_end_allows() at once. */
void table_open_ports(const struct table *t, enum lab_end end, const struct table_host *from,
                      const struct table_host *to, enum lab_family f, enum lab_protocol p,
                      bool ret_open[static LAB_PORTS]);
/* Adds the ports of all rows, and what named ports might be as well. */
void table_add_ports(const struct table *t, struct ports *ports);
/* May `from` send to this broadcast address? */
bool table_allows_broadcast(const struct table *t, const struct table_host *from,
                            const uint8_t address[static 4], uint16_t port);

#endif
