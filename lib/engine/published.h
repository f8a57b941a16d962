/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PUBLISHED_H
#define PORTD_ENGINE_PUBLISHED_H

#include "engine/compile.h"

/* The ingress policy for ports that this host publishes for others, containers mostly: packets
 * that arrive for them are sent on (dnat) and meet hook forward, never input. Whatever isn't
 * translated, and whatever those behind the host ask for, passes. */
void published_base(struct compiler *c);
void published_chains(struct compiler *c);

#endif
