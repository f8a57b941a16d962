/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports that are published stay out of it: behind the translation the port is another one than was
 * asked for, and nft has no words for a key of protocol, original port and address. */
#include "engine/granted.h"

#include <stdio.h>

void granted_sets(struct compiler *c) {
    char name[GRANTED_NAME_MAX];

    for (enum direction d = 0; d < DIRECTION_MAX; d++)
        for (enum family f = 0; f < FAMILY_MAX; f++)
            build_set(&c->build, granted_set_name(d, f, name),
                      f == FAMILY_IPV4 ? SET_GRANTED4 : SET_GRANTED6, false);
}

static void match(struct compiler *c, enum direction d, enum family f, enum side port,
                  enum side other) {
    char set[GRANTED_NAME_MAX];

    build_rule(&c->build, "granted");
    build_stmt(&c->build,
               (struct stmt){ .type = STMT_GRANTED,
                              .granted = { f, port, other, granted_set_name(d, f, set) } });
}

static void pass_published(struct compiler *c, const char *deny) {
    build_rule(&c->build, "published ports are not granted");
    build_stmt(&c->build, (struct stmt){ .type = STMT_CT_STATUS, .ct_status = CT_STATUS_DNAT });
    build_verdict(&c->build, VERDICT_GOTO, deny);
}

void granted_chain(struct compiler *c, enum direction d, const char *name, const char *deny,
                   enum side other) {
    char counter[GRANTED_NAME_MAX];

    snprintf(counter, sizeof(counter), "granted/%s", direction_name(d));
    build_chain(&c->build, name);
    if (d == DIRECTION_IN)
        pass_published(c, deny);
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        match(c, d, f, SIDE_DESTINATION, other);
        build_counter(&c->build, counter);
        build_verdict(&c->build, VERDICT_ACCEPT, NULL);
    }
    compile_goto(c, NULL, deny);
}

void granted_answer_chain(struct compiler *c, enum direction d, const char *name, const char *deny,
                          enum side other) {
    enum direction asked = d == DIRECTION_IN ? DIRECTION_OUT : DIRECTION_IN;

    build_chain(&c->build, name);
    if (asked == DIRECTION_IN)
        pass_published(c, deny);
    for (enum family f = 0; f < FAMILY_MAX; f++) {
        match(c, asked, f, SIDE_SOURCE, other);
        build_verdict(&c->build, VERDICT_ACCEPT, NULL);
    }
    compile_goto(c, NULL, deny);
}
