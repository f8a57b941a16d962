/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_PRIVILEGES_H
#define PORTD_DAEMON_PRIVILEGES_H

#include "base/report.h"

#include <stdbool.h>
#include <sys/types.h>

/* Who a program becomes when it was started as root, and who may read from portd's socket. */
struct identity {
    bool is_root; /* of the caller: otherwise uid and gid are what we already are */
    uid_t uid;
    gid_t gid;
    gid_t read_group; /* (gid_t)-1: there is no such group */
    uid_t resolver;   /* who may hand in what DNS said; (uid_t)-1: there is no such user */
};

#define PRIVILEGES_USER     "_portd"
#define PRIVILEGES_RESOLVER "_portd-resolver"
#define PRIVILEGES_GROUP    "portd"

enum { PRIVILEGES_E_REFUSED = 1 };

/* Looks up the accounts; `resolver` may be NULL: none is wanted. Refused: started as root, and
 * there is no `user`; there is no `resolver` other than PRIVILEGES_RESOLVER, which may be missing;
 * it is root or portd itself, so that its answers could not be told from theirs. */
int identity_find(const char *user, const char *resolver, struct identity *ret,
                  struct report *reterr);

/* Makes a missing directory for the user that portd becomes; one that exists stays as it is. */
int privileges_directory(const char *path, mode_t mode, const struct identity *id,
                         struct report *reterr);

enum privileges {
    PRIVILEGES_NONE,
    PRIVILEGES_NET_ADMIN,
};

/* From here on the user of `id`, no_new_privs, and of all capabilities CAP_NET_ADMIN alone or none
 * (capabilities(7): permitted and effective; inheritable and ambient empty). The bounding set and
 * the securebits follow where we may change them: as root, or with CAP_SETPCAP. Of groups root
 * keeps none, or with PRIVILEGES_NONE the read group, without which portd can't be asked. Refused
 * when the capability isn't there to be kept, or when nothing is to be kept and the user would be
 * root. */
int privileges_drop(const struct identity *id, enum privileges keep, struct report *reterr);

#endif
