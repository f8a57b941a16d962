/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "child.h"

#include "base/macros.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

int child_start(const char *const *arguments, int in, int out, int err, pid_t *ret_pid) {
    const int streams[] = { [STDIN_FILENO] = in, [STDOUT_FILENO] = out, [STDERR_FILENO] = err };
    posix_spawn_file_actions_t actions;
    int r;

    if (posix_spawn_file_actions_init(&actions) != 0)
        return -ENOMEM;
    r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(streams) && r == 0; i++)
        if (streams[i] >= 0)
            r = posix_spawn_file_actions_adddup2(&actions, streams[i], (int)i);
    if (r == 0)
        r = posix_spawnp(ret_pid, arguments[0], &actions, NULL, (char *const *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r > 0 ? -r : 0;
}

int child_wait(pid_t pid) {
    int status = 0;

    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* All that comes, malloc'ed; NULL when memory is out. */
static char *read_all(int fd) {
    char *text = NULL, bytes[4096];
    size_t size;
    FILE *f = open_memstream(&text, &size);
    ssize_t n;

    if (!f)
        return NULL;
    while ((n = read(fd, bytes, sizeof(bytes))) != 0) {
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0)
            fwrite(bytes, 1, (size_t)n, f);
    }
    if (fclose(f) == 0)
        return text;
    free(text);
    return NULL;
}

int child_output(const char *const *arguments, char **ret) {
    _cleanup_(closep) int nothing = open("/dev/null", O_RDWR | O_CLOEXEC), in = -1;
    _cleanup_(freep) char *text = NULL;
    int fds[2], r;
    pid_t pid = 0;

    if (nothing < 0 || pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    in = fds[0];
    r = child_start(arguments, nothing, fds[1], nothing, &pid);
    fd_close(fds[1]);
    if (r < 0)
        return r;
    text = read_all(in);
    r = child_wait(pid);
    if (!text)
        return -ENOMEM;
    *ret = TAKE_PTR(text);
    return r;
}
