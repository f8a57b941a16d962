/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_NEEDS_H
#define PORTD_RESOLVER_NEEDS_H

#include "base/macros.h"

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Which names portd needs: io.portd.Names, asked once for all answers to come, and anew whenever
 * portd is gone, hangs or talks nonsense. Logs what changes, once. */
struct needs;

#define NEEDS_REPLY_MAX      ((size_t)16 << 20)
#define NEEDS_TIMEOUT_USEC   ((uint64_t)10 * 1000000) /* for the first answer */
#define NEEDS_RETRY_USEC     ((uint64_t)100 * 1000)
#define NEEDS_RETRY_MAX_USEC ((uint64_t)5 * 1000000)

/* portd needs these names, all of them host names and at most SCHEDULE_NAMES_MAX. `is_new`: the
 * first answer since connecting, so portd may be another process than before. */
typedef void (*needs_handler)(const char *const *names, size_t n, bool is_new, void *userdata);

/* Asks from the first turn of the loop on. */
int needs_new(sd_event *event, const char *socket, needs_handler handler, void *userdata,
              struct needs **ret);
struct needs *needs_free(struct needs *n);
DEFINE_CLEANUP(struct needs *, needs_free);

/* portd is there and has said what it needs. */
bool needs_are_known(const struct needs *n);

#endif
