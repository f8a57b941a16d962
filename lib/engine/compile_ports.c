/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a packet finds the chain of its port. */
#include "engine/compile.h"

#include <stdio.h>

/* A range up to this width is spelled out in the hash, a wider one is a rule. */
#define HASH_RANGE_MAX 128U

/* "in_tcp_443", "in_answer_udp_30000-34999". */
void compile_class_name(const struct port_class *c, const char *prefix,
                        char ret[static NAME_MAX_LENGTH]) {
    const struct service *s = &c->services[0];

    if (s->lo == s->hi)
        snprintf(ret, NAME_MAX_LENGTH, "%s_%s_%u", prefix, protocol_name(s->protocol), s->lo);
    else
        snprintf(ret, NAME_MAX_LENGTH, "%s_%s_%u-%u", prefix, protocol_name(s->protocol), s->lo,
                 s->hi);
}

bool compile_class_is_any(const struct port_class *class, enum direction d) {
    for (size_t i = 0; i < class->n_flows; i++) {
        size_t n;
        struct party **others = flow_others(class->flows[i], d, &n);

        for (size_t j = 0; j < n; j++)
            if (others[j]->any)
                return true;
    }
    return false;
}

static void service_elements(struct compiler *c, const struct service *s, bool has_protocol,
                             const char *chain) {
    for (uint32_t port = s->lo; port <= s->hi; port++)
        build_element(&c->build, (struct element){
                                     .service = { has_protocol ? s->protocol : 0, (uint16_t)port },
                                     .verdict = chain ? VERDICT_GOTO : VERDICT_ACCEPT,
                                     .chain = chain });
}

bool compile_map(struct compiler *c, enum direction d, uint8_t protocol, const char *map,
                 const char *prefix, bool accept_any) {
    bool is_made = protocol == 0;

    if (is_made)
        build_set(&c->build, map, SET_SERVICE, true);
    for (size_t i = 0; i < c->classes[d].n; i++) {
        const struct port_class *class = &c->classes[d].items[i];
        bool accept = accept_any && compile_answers_pass(c, class, d);
        char name[NAME_MAX_LENGTH];

        compile_class_name(class, prefix, name);
        for (size_t j = 0; j < class->n_services; j++) {
            const struct service *s = &class->services[j];

            if (service_width(s) > HASH_RANGE_MAX || (protocol && s->protocol != protocol))
                continue;
            if (!is_made)
                build_set(&c->build, map, SET_PORT, true);
            is_made = true;
            service_elements(c, s, protocol == 0, accept ? NULL : name);
        }
    }
    return is_made;
}

static void range_match(struct compiler *c, const struct service *s, enum port_of of) {
    enum side side = of == PORT_SOURCE ? SIDE_SOURCE : SIDE_DESTINATION;

    if (of != PORT_ORIGINAL) {
        build_stmt(&c->build,
                   (struct stmt){ .type = STMT_PORT, .port = { s->protocol, side, s->lo, s->hi } });
        return;
    }
    build_stmt(&c->build, (struct stmt){ .type = STMT_L4PROTO, .protocol = s->protocol });
    build_stmt(&c->build, (struct stmt){ .type = STMT_CT_PORT, .ct_port = { s->lo, s->hi } });
}

void compile_ranges(struct compiler *c, enum direction d, enum port_of of, const char *prefix,
                    bool accept_any) {
    for (size_t i = 0; i < c->classes[d].n; i++) {
        const struct port_class *class = &c->classes[d].items[i];
        bool accept = accept_any && compile_answers_pass(c, class, d);
        char name[NAME_MAX_LENGTH];

        compile_class_name(class, prefix, name);
        for (size_t j = 0; j < class->n_services; j++) {
            const struct service *s = &class->services[j];

            if (service_width(s) <= HASH_RANGE_MAX)
                continue;
            build_rule(&c->build, class->flows[0]->id);
            range_match(c, s, of);
            build_verdict(&c->build, accept ? VERDICT_ACCEPT : VERDICT_GOTO, accept ? NULL : name);
        }
    }
}
