/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nobody can connect between bind() and listen(), so the group is set in between. The mode comes
 * from the umask: chmod() by name would follow a link that the directory's owner, the daemon's own
 * user, may have put there while we are root. Whether a name is in use only connect() tells: a
 * socket file outlives its process, and ECONNREFUSED is also what a regular file answers. */
#include "daemon/listen.h"

#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

/* The kernel refuses further clients while as many wait for accept(); server.c takes them fast. */
#define BACKLOG 128

/* unix(7). <linux/un.h> has it, and can't be had beside <sys/un.h>. */
#ifndef SIOCUNIXFILE
#define SIOCUNIXFILE (SIOCPROTOPRIVATE + 0)
#endif

static int refuse(struct report *reterr, const char *path, const char *text) {
    report_add(reterr, (struct place){ .file = path }, "%s", text);
    return LISTEN_E_REFUSED;
}

static int refuse_errno(struct report *reterr, const char *path, const char *what, int error) {
    report_add(reterr, (struct place){ .file = path }, "cannot %s: %s", what, strerror(error));
    return LISTEN_E_REFUSED;
}

static int address_set(const char *path, struct sockaddr_un *ret, struct report *reterr) {
    size_t n = strlen(path);

    if (n >= sizeof(ret->sun_path)) {
        report_add(reterr, (struct place){ .file = path },
                   "the path is too long for a socket: %zu bytes, at most %zu", n,
                   sizeof(ret->sun_path) - 1);
        return LISTEN_E_REFUSED;
    }
    *ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
    memcpy(ret->sun_path, path, n + 1);
    return 0;
}

/* Anything but a refusal has somebody behind it: a full backlog (EAGAIN), a listener that we may
 * not ask (EACCES). */
static bool is_in_use(const struct sockaddr_un *address) {
    _cleanup_(closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    return fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
           errno != ECONNREFUSED;
}

static int remove_stale(const struct sockaddr_un *address, struct report *reterr) {
    const char *path = address->sun_path;
    struct stat st;

    if (lstat(path, &st) < 0)
        return errno == ENOENT || errno == ENOTDIR ? 0 : refuse_errno(reterr, path, "look", errno);
    if (!S_ISSOCK(st.st_mode))
        return refuse(reterr, path, "this is no socket: remove it, or name another with --socket");
    if (is_in_use(address)) {
        report_add(reterr, (struct place){ 0 }, "another portd listens on %s", path);
        return LISTEN_E_REFUSED;
    }
    return unlink(path) < 0 ? refuse_errno(reterr, path, "remove the old socket", errno) : 0;
}

static int bind_for_group(int fd, const struct sockaddr_un *address, struct report *reterr) {
    mode_t mask = umask(0117);
    int error = bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? errno : 0;

    umask(mask);
    if (error == ENOENT)
        return refuse(reterr, address->sun_path,
                      "the directory of the socket is missing: create it, or name another socket "
                      "with --socket");
    if (error == EADDRINUSE) {
        report_add(reterr, (struct place){ 0 }, "another portd listens on %s", address->sun_path);
        return LISTEN_E_REFUSED;
    }
    return error ? refuse_errno(reterr, address->sun_path, "bind the socket", error) : 0;
}

/* A service manager may filter chown(2), and has then made us a member of nothing but the group. */
static int give_to_group(const char *path, gid_t group) {
    struct stat st;

    if (group == (gid_t)-1)
        return 0;
    if (lstat(path, &st) < 0)
        return -errno;
    return st.st_gid != group && lchown(path, (uid_t)-1, group) < 0 ? -errno : 0;
}

static int open_to_group(int fd, const char *path, gid_t group, struct report *reterr) {
    if (give_to_group(path, group) < 0)
        return refuse_errno(reterr, path, "give the socket to its group", errno);
    if (listen(fd, BACKLOG) < 0)
        return refuse_errno(reterr, path, "listen", errno);
    return 0;
}

int listen_open(const char *path, gid_t group, int *ret_fd, struct report *reterr) {
    _cleanup_(closep) int fd = -1;
    struct sockaddr_un address;
    int r;

    r = address_set(path, &address, reterr);
    if (r != 0)
        return r;
    r = remove_stale(&address, reterr);
    if (r != 0)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return refuse_errno(reterr, path, "make a socket", errno);
    r = bind_for_group(fd, &address, reterr);
    if (r != 0)
        return r;
    r = open_to_group(fd, path, group, reterr);
    if (r != 0) {
        unlink(path);
        return r;
    }
    *ret_fd = TAKE_FD(fd);
    return 0;
}

/* The file that a socket is bound to is known to the kernel alone: its name may be another's now.
 */
bool listen_is_at(int fd, const char *path, gid_t group) {
    _cleanup_(closep) int bound = -1;
    struct stat ours, there;
    int listens = 0;

    if (fd < 0 ||
        getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &(socklen_t){ sizeof(listens) }) < 0 ||
        !listens)
        return false;
    bound = ioctl(fd, SIOCUNIXFILE);
    return bound >= 0 && fstat(bound, &ours) == 0 && lstat(path, &there) == 0 &&
           ours.st_dev == there.st_dev && ours.st_ino == there.st_ino &&
           (group == (gid_t)-1 || there.st_gid == group);
}
