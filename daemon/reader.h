/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_READER_H
#define PORTD_DAEMON_READER_H

#include "base/macros.h"
#include "daemon/denied/record.h"

#include <systemd/sd-event.h>

/* portd-denied as our child: it has the socket that the log groups come to, a SOCK_SEQPACKET pair
 * to us, and nothing else. When it ends it is started anew, after a while; when it says what it
 * can't mean it is ended. Whatever it does takes a bounded share of our time. */
struct reader;

enum reader_state {
    READER_RUNS,
    READER_WAITS,       /* it ended, and is about to be started */
    READER_BUSY,        /* another program has our log groups */
    READER_UNSUPPORTED, /* the kernel has no nfnetlink_log */
    READER_MISSING,     /* there is no such program */
    READER_FAILS,       /* reader_error() says why */
    READER_STATE_MAX
};
const char *reader_state_name(enum reader_state s); /* "runs", "waits", "busy", … */

/* What it says, a record at a time. */
typedef void (*reader_take)(void *userdata, const struct record *r);

/* The program, beside portd or where it is installed, to be opened before rights fall: an O_PATH
 * descriptor, or -1. */
int reader_program(void);

/* Takes `program`. Asks the kernel for the groups; reader_attach() starts the child. */
int reader_new(int program, reader_take take, void *userdata, struct reader **ret);
int reader_attach(struct reader *r, sd_event *event);
/* Whether it ended again and again of late. */
bool reader_keeps_ending(const struct reader *r);
/* Ends the child. */
struct reader *reader_free(struct reader *r);
DEFINE_CLEANUP(struct reader *, reader_free);

enum reader_state reader_state_get(const struct reader *r);
int reader_error(const struct reader *r);         /* -errno, of READER_FAILS */
uint64_t reader_restarts(const struct reader *r); /* how often it had to be started anew */
uint64_t reader_rejected(const struct reader *r); /* records that were none */

#endif
