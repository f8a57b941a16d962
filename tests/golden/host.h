/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_TESTS_HOST_H
#define PORTD_TESTS_HOST_H

#include "base/report.h"
#include "engine/ruleset.h"

/* The whole way from files to the ruleset of one host, for programs that show it or measure it.
 * 0, or the report says what is wrong, or -errno. */
int host_ruleset(const char *site, const char *policy_dir, const char *host, struct ruleset **ret,
                 struct report *reterr);

#endif
