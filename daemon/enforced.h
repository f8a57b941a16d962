/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_ENFORCED_H
#define PORTD_DAEMON_ENFORCED_H

#include "base/report.h"
#include "engine/intent.h"
#include "engine/ruleset.h"
#include "files/stamps.h"

/* A policy ready to be enforced: what the files mean for this host, and the texts it came from. */
struct enforced {
    struct intent *intent;
    struct ruleset *rules;
    char digest[DIGEST_TEXT_SIZE];
    struct stamps stamps; /* of the texts */
    struct files *files;  /* the texts, until they are saved; may be NULL */
};

struct enforced *enforced_free(struct enforced *e);
DEFINE_CLEANUP(struct enforced *, enforced_free);

/* Where the input is and who we are. */
struct input {
    const char *site;
    const char *const *policy_dirs;
    size_t n_policy_dirs;
    const char *host; /* NULL: the hostname, full, then short */
};

/* The authors' mistakes, all of them in *reterr. */
enum { ENFORCED_E_INVALID = 1 };

/* From the files. */
int enforced_load(const struct input *input, struct enforced **ret, struct report *reterr);
/* From texts that were read before; they are taken when it succeeds. */
int enforced_from_files(struct files **files, const char *host, struct enforced **ret,
                        struct report *reterr);

#endif
