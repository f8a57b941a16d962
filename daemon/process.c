/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command that changed the rules is often gone before its event is read; whatever of it is
 * still there is worth a line in the journal, and nothing waits for it. */
#include "daemon/process.h"

#include "base/macros.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const unit_suffixes[] = { ".service", ".scope", ".socket", ".mount", ".swap" };

static bool is_unit(const char *name) {
    size_t n = strlen(name);

    for (size_t i = 0; i < ARRAY_SIZE(unit_suffixes); i++) {
        size_t m = strlen(unit_suffixes[i]);

        if (n > m && strcmp(name + n - m, unit_suffixes[i]) == 0)
            return true;
    }
    return false;
}

void process_unit_parse(const char *cgroup, char ret[static PROCESS_UNIT_MAX]) {
    char line[512];
    char *rest = line, *part;

    ret[0] = '\0';
    snprintf(line, sizeof(line), "%s", cgroup);
    line[strcspn(line, "\n")] = '\0';
    while ((part = strsep(&rest, "/")))
        if (is_unit(part))
            snprintf(ret, PROCESS_UNIT_MAX, "%s", part);
}

/* A file of /proc/PID/ as a string, cut to the buffer; false when there is none. */
static bool read_proc(pid_t pid, const char *name, char *text, size_t size) {
    _cleanup_(closep) int fd = -1;
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    n = read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

void process_look(pid_t pid, const char *command, struct process *ret) {
    struct process p = { 0 };
    char path[64], text[512];
    struct stat st;

    *ret = p;
    if (pid <= 0 || !read_proc(pid, "comm", text, sizeof(text)))
        return;
    text[strcspn(text, "\n")] = '\0';
    if (strcmp(text, command) != 0)
        return;
    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &st) == 0) {
        p.has_uid = true;
        p.uid = st.st_uid;
    }
    if (read_proc(pid, "cgroup", text, sizeof(text)))
        process_unit_parse(text, p.unit);
    *ret = p;
}
