/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Behind the translation a packet has another destination and another port, but connection
 * tracking knows what was asked for, and the source is still the asker's: sources are translated
 * in postrouting. So the chains of the input hook judge these packets as well, found by the
 * original port; answers, which have their way back to the asker by then, meet those of output.
 *
 * All translated destinations count as published by this host. Nothing in this hook can tell
 * whether the original one was an address of the host, and a list of its addresses would let
 * through who asks another one. A map for each protocol, because nft has no words for a key of
 * protocol and original port. */
#include "engine/published.h"

#include <stdio.h>

#define BASE          "forward"
#define REQUESTS      "published"
#define ANSWERS       "published_answer"
#define MAP_NAME_SIZE sizeof(ANSWERS "_sctp")

static const uint8_t protocols[] = { PROTOCOL_TCP, PROTOCOL_UDP, PROTOCOL_SCTP };

static bool are_answers_judged(const struct intent *in) {
    return in->modes[DIRECTION_IN] == MODE_ENFORCE && in->modes[DIRECTION_OUT] != MODE_OFF;
}

static void match_status(struct compiler *c, uint32_t status) {
    build_stmt(&c->build, (struct stmt){ .type = STMT_CT_STATUS, .ct_status = status });
}

static void match_reply(struct compiler *c) {
    build_stmt(&c->build, (struct stmt){ .type = STMT_CT_DIRECTION, .ct_direction = CT_REPLY });
}

/* An entry that somebody forged, for a connection that those behind the host never began, looks
 * like one that is masqueraded: who asks in reply direction is found out here, too. */
void published_base(struct compiler *c) {
    struct build *b = &c->build;

    build_base_chain(b, BASE, HOOK_FORWARD, CHAIN_ACCEPT);
    if (c->intent->modes[DIRECTION_IN] == MODE_OFF)
        return;

    build_rule(b, "requests that pose as answers");
    match_status(c, CT_STATUS_SNAT | CT_STATUS_DNAT);
    match_reply(c);
    compile_request(c);
    build_verdict(b, VERDICT_GOTO, "deny_in");

    build_rule(b, "answers of published ports");
    match_status(c, CT_STATUS_DNAT);
    match_reply(c);
    if (are_answers_judged(c->intent))
        build_verdict(b, VERDICT_GOTO, ANSWERS);
    else
        build_verdict(b, VERDICT_ACCEPT, NULL);

    build_rule(b, "published ports");
    match_status(c, CT_STATUS_DNAT);
    build_verdict(b, VERDICT_GOTO, REQUESTS);
}

/* By the port that was asked for; the chains that compare addresses are there already. */
static void chain_by_port(struct compiler *c, const char *name, const char *prefix, bool accept_any,
                          enum direction portless, const char *deny) {
    char map[MAP_NAME_SIZE];

    build_chain(&c->build, name);
    for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
        snprintf(map, sizeof(map), "%s_%s", name, protocol_name(protocols[i]));
        if (!compile_map(c, DIRECTION_IN, protocols[i], map, prefix, accept_any))
            continue;
        build_rule(&c->build, "flows, by the port that was asked for");
        build_stmt(&c->build, (struct stmt){ .type = STMT_L4PROTO, .protocol = protocols[i] });
        build_stmt(&c->build, (struct stmt){ .type = STMT_CT_VMAP, .ct_vmap = map });
    }
    compile_ranges(c, DIRECTION_IN, PORT_ORIGINAL, prefix, accept_any);
    compile_portless(c, portless);
    compile_goto(c, NULL, deny);
}

void published_chains(struct compiler *c) {
    if (c->intent->modes[DIRECTION_IN] == MODE_OFF)
        return;
    chain_by_port(c, REQUESTS, "in", false, DIRECTION_IN, "deny_in");
    if (are_answers_judged(c->intent))
        chain_by_port(c, ANSWERS, "out_answer", true, DIRECTION_OUT, "deny_out");
}
