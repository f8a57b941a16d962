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

bool remote_is_host(const char *host) {
    if (*host && *host != '-')
        return true;
    fprintf(stderr, "portd-ctl: \"%s\" is no host that ssh could reach\n", host);
    return false;
}

/* --socket for the shell that the other side's sshd hands its command to; malloc'ed. */
static char *socket_option(const char *path) {
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    if (!f)
        return NULL;
    fputs("--socket='", f);
    for (const char *c = path; *c; c++)
        if (*c == '\'')
            fputs("'\\''", f);
        else
            fputc(*c, f);
    fputc('\'', f);
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

int remote_open(const struct options *o, pid_t *ret_pid) {
    _cleanup_(freep) char *option = socket_option(o->socket);
    const char *const arguments[] = {
        "ssh",
        "-xT",
        "--",
        o->remote,
        "portd-ctl",
        "bridge",
        o->given & OPTION_SOCKET ? option : NULL,
        NULL,
    };
    _cleanup_(closep) int ours = -1, theirs = -1;
    int fds[2], r;

    if (!option)
        return -ENOMEM;
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
