/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ssh knows hosts, users, keys and jumps better than anything that could be built here, and the
 * answers are formatted on this side, for this terminal. What goes wrong on the other side comes
 * back as the exit status of ssh, which is that of the command there. */
#include "remote.h"

#include "child.h"
#include "failure.h"

#include "base/macros.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define ARGUMENTS_MAX 8U

bool remote_is_host(const char *host) {
    if (*host && *host != '-')
        return true;
    fprintf(stderr, "portd-ctl: \"%s\" is no host that ssh could reach\n", host);
    return false;
}

/* For the shell that the other side's sshd hands its command to; malloc'ed. */
static char *shell_quote(const char *text) {
    char *quoted = NULL;
    size_t size;
    FILE *f = open_memstream(&quoted, &size);

    if (!f)
        return NULL;
    fputc('\'', f);
    for (const char *c = text; *c; c++)
        if (*c == '\'')
            fputs("'\\''", f);
        else
            fputc(*c, f);
    fputc('\'', f);
    if (fclose(f) == 0)
        return quoted;
    free(quoted);
    return NULL;
}

int remote_open(const struct options *o, pid_t *ret_pid) {
    _cleanup_(freep) char *path = shell_quote(o->socket);
    const char *arguments[ARGUMENTS_MAX] = { "ssh", "-xT", "--", o->remote, "portd-ctl", "bridge" };
    _cleanup_(closep) int ours = -1, theirs = -1;
    int fds[2], r;

    if (!path)
        return -ENOMEM;
    if (o->given & OPTION_SOCKET) {
        _cleanup_(freep) char *option = NULL;

        if (asprintf(&option, "--socket=%s", path) < 0)
            return -ENOMEM;
        free(path);
        path = TAKE_PTR(option);
        arguments[6] = path;
    }
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    ours = fds[0];
    theirs = fds[1];
    r = child_start(arguments, theirs, theirs, -1, ret_pid);
    if (r == -ENOENT)
        return -ENOPKG;
    return r < 0 ? r : TAKE_FD(ours);
}

void remote_close(pid_t pid) {
    (void)kill(pid, SIGTERM);
    (void)child_wait(pid);
}

struct outcome {
    int code; /* of ssh */
    int error;
};

/* What the other side found is told in the words for this one. */
static const struct outcome outcomes[] = {
    { STATUS_NO_DAEMON, -ENOENT },
    { BRIDGE_DENIED, -EACCES },
    { 0, -ECONNRESET },
};

enum status remote_failed(const struct options *o, pid_t pid) {
    int code = child_wait(pid);

    for (size_t i = 0; i < ARRAY_SIZE(outcomes); i++)
        if (outcomes[i].code == code)
            return failure_connection(o, outcomes[i].error);
    if (code == 127)
        fprintf(stderr, "portd-ctl: %s has no portd-ctl: install portd there\n", o->remote);
    else if (code == 255)
        fprintf(stderr, "portd-ctl: ssh does not reach %s: try it alone: ssh %s true\n", o->remote,
                o->remote);
    else
        fprintf(
            stderr,
            "portd-ctl: portd-ctl on %s does not pass questions on: it may be another version\n",
            o->remote);
    return STATUS_FAILED;
}
