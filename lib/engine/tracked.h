/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_TRACKED_H
#define PORTD_ENGINE_TRACKED_H

#include "engine/eval.h"

/* A connection as connection tracking knows it: as it was asked for, and as it is answered, which
 * differ where somebody translates addresses. Of a protocol with ports. */
struct endpoint {
    struct address address;
    uint16_t port; /* host order */
};

struct tracked {
    enum family family;
    uint8_t protocol;
    struct endpoint source, destination; /* of what is asked … */
    struct endpoint answerer, answered;  /* … and of the answers */
    uint32_t status;                     /* CT_STATUS_* */
    enum direction direction;            /* who asked: another (in), or this host (out) … */
    bool is_forwarded;                   /* … or it only goes through */
};

bool endpoint_equals(const struct endpoint *a, const struct endpoint *b);

/* Whether the rules let both on: the next packet of who asked, and the next answer. *ret_match: the
 * comment of the rule that decided it for who asked; NULL: it has none. */
bool tracked_passes(const struct ruleset *rules, const struct tracked *t, const char **ret_match);

#endif
