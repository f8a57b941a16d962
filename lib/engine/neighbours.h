/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_NEIGHBOURS_H
#define PORTD_ENGINE_NEIGHBOURS_H

#include "engine/intent.h"

/* A step of intent_resolve(): whose the addresses of the site are. Of networks that a host has
 * whole, nothing is kept. 0 or -ENOMEM. */
int neighbours_resolve(struct intent *in, const struct site *site);

#endif
