/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_COMPILE_H
#define PORTD_ENGINE_COMPILE_H

#include "engine/build.h"
#include "engine/classes.h"

/* What compile.c and published.c share; the way in is policy_compile() of ruleset.h. */

struct compiler {
    struct build build;
    struct arena *scratch;
    const struct intent *intent;
    const struct resolved *names; /* NULL: nothing is known */
    struct port_classes classes[DIRECTION_MAX];
};

#define NAME_MAX_LENGTH SET_NAME_MAX
/* "in_tcp_443", "in_answer_udp_30000-34999". */
void compile_class_name(const struct port_class *c, const char *prefix,
                        char ret[static NAME_MAX_LENGTH]);
/* Open for anybody by one of its flows. */
bool compile_class_is_any(const struct port_class *class, enum direction d);

/* Parts of the policy in audit mode. */
bool compile_flow_is_audited(const struct compiler *c, const struct intent_flow *f,
                             enum direction d);
bool compile_class_is_audited(const struct compiler *c, const struct port_class *class,
                              enum direction d);
/* Whether answers of the class pass whoever asked, because anybody may, or is let. */
bool compile_answers_pass(const struct compiler *c, const struct port_class *class,
                          enum direction d);
/* Where what none of its flows accepts goes. */
void compile_class_end(struct compiler *c, const struct port_class *class, enum direction d,
                       const char *deny);
/* The same for what has types instead of ports, and for its answers. */
void compile_audit_types(struct compiler *c, const struct intent_flow *f, const struct service *s,
                         enum direction d);
void compile_audit_echo(struct compiler *c, const struct intent_flow *f, uint8_t protocol,
                        uint8_t reply);
/* Where they go, if anything does; `other` is the other host's end of a packet. */
void compile_audit_chains(struct compiler *c, enum direction d, enum side other);
/* The rules that record what would be denied, and let it pass. */
void compile_would(struct compiler *c, const char *counter);

/* By which port of a packet its class is found. */
enum port_of { PORT_SOURCE, PORT_DESTINATION, PORT_ORIGINAL };

/* The ports of the flows of `d` lead to the chains of their classes, which are called after the
 * prefix; with `accept_any` those that are open for anybody lead to accept. Narrow ranges are
 * elements of a map, wide ones are rules. With a protocol the map is of its ports alone, and is
 * not made when there is none: false. Protocol 0: all, and the protocol is part of the key. */
bool compile_map(struct compiler *c, enum direction d, uint8_t protocol, const char *map,
                 const char *prefix, bool accept_any);
void compile_ranges(struct compiler *c, enum direction d, enum port_of of, const char *prefix,
                    bool accept_any);
/* ICMP, ICMPv6 and IGMP go to their chains of `d`. */
void compile_portless(struct compiler *c, enum direction d);
void compile_goto(struct compiler *c, const char *comment, const char *chain);
/* A match of the newest rule: asks to be connected (TCP). */
void compile_request(struct compiler *c);

#endif
