/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_RESOLVER_REPORTS_H
#define PORTD_RESOLVER_REPORTS_H

#include "base/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

/* Tells portd what came of the names: io.portd.Resolved, one call at a time, on a connection that
 * is closed when there is nothing to tell. Logs what changes, once. */
struct reports;

#define REPORTS_REPLY_MAX      ((size_t)64 << 10)
#define REPORTS_TIMEOUT_USEC   ((uint64_t)10 * 1000000)
#define REPORTS_RETRY_USEC     ((uint64_t)100 * 1000)
#define REPORTS_RETRY_MAX_USEC ((uint64_t)5 * 1000000)

enum report_fate {
    REPORT_TAKEN,
    REPORT_UNNEEDED, /* portd doesn't need this name any more, and will say so in Names */
    REPORT_REFUSED,
    REPORT_LOST, /* portd is gone, hangs or is out of memory: tell it again */
};
/* `why` is what portd has against the answer when it refused that, in a line; otherwise NULL. */
typedef void (*reports_handler)(const char *name, enum report_fate fate, const char *why,
                                void *userdata);

int reports_new(sd_event *event, const char *socket, reports_handler handler, void *userdata,
                struct reports **ret);
struct reports *reports_free(struct reports *r);
DEFINE_CLEANUP(struct reports *, reports_free);

/* Neither is a call under way, nor is there a wait after one that was lost. */
bool reports_are_idle(const struct reports *r);
/* Only while idle. Takes the reference of `parameters` (NULL: memory was out). The handler hears
 * what becomes of it, perhaps before this returns. */
void reports_send(struct reports *r, const char *name, json_t *parameters);
/* Nothing is left to tell: the connection ends. Only while idle. */
void reports_rest(struct reports *r);

#endif
