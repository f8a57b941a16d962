/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_OUTCOME_H
#define PORTD_RESOLVER_OUTCOME_H

#include "answer.h"

#include <jansson.h>
#include <stdbool.h>

/* What portd is told about a name: the answers of both families, judged together. Pure. */

#define OUTCOME_ERROR_MAX 200U

struct outcome {
    struct answer answers[FAMILY_MAX]; /* one that failed means: what was known stays */
    char error[OUTCOME_ERROR_MAX];     /* why one or both failed; "": none did */
};

void outcome_clear(struct outcome *o);

/* Judges the answers in place and writes the error. That a name has no address of one family is
 * believed only beside addresses of the other: a name without any is a mistake in DNS, and portd
 * keeps what it had. An empty family lives as long as the other. */
void outcome_judge(struct outcome *o);

/* Both families failed for a reason of our own. */
void outcome_fail(struct outcome *o, const char *why);

bool outcome_is_whole(const struct outcome *o);
/* Seconds that all that was answered holds; false: nothing was. */
bool outcome_ttl(const struct outcome *o, uint32_t *ret);

/* The parameters of Resolved; NULL when memory is out. */
json_t *outcome_json(const struct outcome *o, const char *name);

#endif
