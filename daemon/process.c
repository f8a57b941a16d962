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

static void look_unit(pid_t pid, struct process *p) {
    char path[64], text[512];
    ssize_t n = 0;
    int fd;

    snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return;
    text[n] = '\0';
    process_unit_parse(text, p->unit);
}

void process_look(pid_t pid, struct process *ret) {
    struct process p = { 0 };
    char path[64];
    struct stat st;

    if (pid > 0) {
        snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        if (stat(path, &st) == 0) {
            p.has_uid = true;
            p.uid = st.st_uid;
            look_unit(pid, &p);
        }
    }
    *ret = p;
}
