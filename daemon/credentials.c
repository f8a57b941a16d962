/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The supplementary groups come from the kernel too: the user database may live on the network,
 * and nothing here may wait for it. */
#include "daemon/credentials.h"

#include "base/macros.h"

#include <errno.h>
#include <sys/socket.h>

/* Asks twice: for the size, then for the groups, which can't change meanwhile. */
static int has_group(int fd, gid_t group, bool *ret) {
    _cleanup_(freep) gid_t *groups = NULL;
    socklen_t size = 0;

    *ret = false;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, NULL, &size) == 0)
        return 0; /* none */
    if (errno != ERANGE)
        return -errno;
    groups = malloc(size);
    if (!groups)
        return -ENOMEM;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) < 0)
        return -errno;
    for (size_t i = 0; i < size / sizeof(*groups); i++)
        *ret |= groups[i] == group;
    return 0;
}

int credentials_read(int fd, gid_t group, struct credentials *ret) {
    struct ucred ucred;
    socklen_t size = sizeof(ucred);
    bool in_group = false;
    int r;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &ucred, &size) < 0)
        return -errno;
    if (group != (gid_t)-1 && ucred.gid != group) {
        r = has_group(fd, group, &in_group);
        if (r < 0)
            return r;
    } else {
        in_group = group != (gid_t)-1;
    }
    *ret = (struct credentials){ .uid = ucred.uid, .pid = ucred.pid, .in_group = in_group };
    return 0;
}
