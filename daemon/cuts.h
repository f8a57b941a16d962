/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CUTS_H
#define PORTD_DAEMON_CUTS_H

#include "engine/tracked.h"

#include <jansson.h>

struct manager;

/* The live connections that one policy lets on and another doesn't. */
struct cut {
    struct tracked connection;
    const char *flow; /* that lets it on; NULL: none does, or the direction is not enforced */
    enum cut_rank { CUT_CALLER, CUT_SSH, CUT_OTHER } rank;
};

/* Of more than CUTS_MAX some are only counted, the caller's own is always among the others. */
#define CUTS_MAX 4096U
struct cuts {
    struct ruleset *then; /* cut.flow points there */
    struct cut *items;    /* the caller's own first, then those with sshd */
    size_t n;
    size_t total;
    char *blind; /* why they can't be told; NULL: they can */
};
void cuts_clear(struct cuts *c);

/* "198.51.100.7 50022 10.0.0.1 22", as SSH_CONNECTION of ssh(1): who asked, then this host. False:
 * it is not of that form. */
bool session_parse(const char *text, struct tracked *ret);

/* Those that are cut when `next` comes in force. `session`: the one that the caller came by; NULL:
 * none is known. 0 or -ENOMEM. */
int cuts_find(struct manager *m, const struct intent *next, const struct tracked *session,
              struct cuts *ret);

/* []CutConnection of io.portd; NULL: no memory. */
json_t *cuts_json(const struct cuts *c);
/* "198.51.100.7:50022 to tcp/22 here (host-baseline/ssh)", malloc'ed; NULL: no memory. */
char *cut_text(const struct cut *c);

#endif
