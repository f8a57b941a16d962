/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_GRANTED_H
#define PORTD_ENGINE_GRANTED_H

#include "engine/compile.h"

/* What is asked last before a packet is denied: whether its service is granted to the other end
 * for a while (engine/grant.h). What a flow opens never comes here, and pays nothing for it. */

/* Empty, and always there: whoever grants something adds an element and changes no rule. */
void granted_sets(struct compiler *c);
/* The chain behind those of the flows of `d`, which goes on to `deny`; `other` is the end of a
 * packet that the other host is. */
void granted_chain(struct compiler *c, enum direction d, const char *name, const char *deny,
                   enum side other);
/* Answers through the hook of `d`, to what is granted in the other direction. */
void granted_answer_chain(struct compiler *c, enum direction d, const char *name, const char *deny,
                          enum side other);

#endif
