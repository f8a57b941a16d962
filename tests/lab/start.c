/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Starts a daemon for a lab script and waits until it says that it is ready: the protocol of
 * sd_notify(3) needs a datagram socket, which a shell doesn't have. The socket is abstract, and
 * so belongs to the network namespace that the daemon runs in; it is gone once the daemon is
 * ready, later notifications go nowhere.
 *
 *   lab-start LOG COMMAND [ARGUMENT…]
 *
 * Prints the process id and leaves the daemon running, its words in LOG; status 1 when the
 * daemon ends first or isn't ready after a minute. */
#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#define READY_MSEC 60000

static int notify_open(void) {
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    char text[64];
    int fd, n;

    n = snprintf(text, sizeof(text), "@lab-start-%d", (int)getpid());
    memcpy(name.sun_path + 1, text + 1, (size_t)n - 1);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setenv("NOTIFY_SOCKET", text, true) < 0 ||
        bind(fd, (struct sockaddr *)&name,
             (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n)) < 0)
        return fd_close(fd);
    return fd;
}

static void run(const char *log, char **command) {
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);

    if (fd >= 0 && dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        setsid();
        execvp(command[0], command);
    }
    perror(command[0]);
    _exit(127);
}

/* One notification; may carry a descriptor (FDSTORE), which is let go. */
static bool says_ready(int notify) {
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(16 * sizeof(int))];
    char text[1024];
    struct iovec part = { text, sizeof(text) - 1 };
    struct msghdr m = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = control,
        .msg_controllen = sizeof(control),
    };
    ssize_t n = recvmsg(notify, &m, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return false;
    text[n] = '\0';
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
            for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++)
                close(((int *)(void *)CMSG_DATA(c))[i]);
    return strncmp(text, "READY=1", 7) == 0 || strstr(text, "\nREADY=1");
}

static bool wait_ready(int notify, int daemon) {
    struct pollfd fds[] = { { notify, POLLIN, 0 }, { daemon, POLLIN, 0 } };

    while (poll(fds, ARRAY_SIZE(fds), READY_MSEC) > 0) {
        if (fds[0].revents && says_ready(notify))
            return true;
        if (fds[1].revents)
            break;
    }
    return false;
}

int main(int argc, char **argv) {
    _cleanup_(closep) int notify = -1, daemon = -1;
    pid_t pid;

    if (argc < 3) {
        fprintf(stderr, "usage: %s LOG COMMAND [ARGUMENT…]\n", argv[0]);
        return 2;
    }
    notify = notify_open();
    if (notify < 0) {
        perror("notification socket");
        return 1;
    }
    pid = fork();
    if (pid == 0)
        run(argv[1], argv + 2);
    if (pid < 0 || (daemon = pidfd_open(pid, 0)) < 0) {
        perror(argv[2]);
        return 1;
    }
    if (!wait_ready(notify, daemon)) {
        fprintf(stderr, "%s: not ready\n", argv[2]);
        pidfd_send_signal(daemon, SIGKILL, NULL, 0);
        return 1;
    }
    printf("%d\n", (int)pid);
    return 0;
}
