/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_PREVIEW_H
#define PORTD_ENGINE_PREVIEW_H

#include "engine/changes.h"

/* What a reload would do to a host, before it happens. */

/* Whether a packet that no row opens is denied: only then the rows decide anything. */
bool preview_denies(const struct intent *in, enum direction d);

/* PlannedHost of io.portd; NULL: no memory. Either intent may be NULL: the host is not in that
 * site. */
json_t *preview_json(const struct intent *then, const struct intent *now);
bool preview_is_empty(json_t *planned);

#endif
