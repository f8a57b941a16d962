/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_WARNING_H
#define PORTD_ENGINE_WARNING_H

#include "engine/party.h"

/* Adds to a resolved intent what its administrator may not have meant. 0 or -ENOMEM. */
int warnings_resolve(struct intent *in, const struct parties *parties);

#endif
