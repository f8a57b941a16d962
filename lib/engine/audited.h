/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_AUDITED_H
#define PORTD_ENGINE_AUDITED_H

#include "engine/intent.h"

/* What a site's "audit" names, parts of the policy whose denials are recorded and not made:
 * "jtel-acd", "jtel-acd/rest", "jtel-acd/ACD-LB"; "jtel-acd/flow:rest" and "jtel-acd/role:ACD-LB"
 * where a flow and a role have one name; "site" and "site/backup", of the site's own rows. */
enum audited_kind {
    AUDITED_PRODUCT,
    AUDITED_NAME, /* of a flow or of a role: it is that which there is */
    AUDITED_FLOW,
    AUDITED_ROLE,
};
struct audited {
    enum audited_kind kind;
    char product[NAME_LENGTH_MAX + 1];
    const char *name; /* into the text; "" of a product */
};
/* False: it has no such form. */
bool audited_parse(const char *text, struct audited *ret);

/* Marks in the flows, whose states are those of `self`, what the site audits there, and lists the
 * words that concern this host. 0 or -ENOMEM. */
int audited_aim(struct intent *in, const struct site *site, const struct host *self);

/* Whether a packet of this service meets a flow in audit mode: the word of the site, else NULL. */
const char *audited_service(const struct intent *in, enum direction d, const struct service *s);
/* Whether a flow that is enforced shares a service with one that this word has audited. */
bool audited_beside(const struct intent *in, enum direction d, const struct intent_flow *f,
                    const char *word);

#endif
