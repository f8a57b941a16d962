/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A command that changed the rules is often gone before its event is read; whatever of it is
 * still there is worth a line in the journal, and nothing waits for it. /proc/PID/exe is not
 * among it: only a tracer may read the one of another user. */
#include "daemon/process.h"

#include "base/quote.h"
#include "daemon/cgroup.h"
#include "daemon/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CGROUP_USEC 20000U /* for the walk; a process that does one thing is gone much sooner */

/* PROC_PID_INIT_INO of linux/proc_ns.h: the namespace that the kernel's messages count ids in. */
#define FIRST_PID_NAMESPACE "pid:[4026531836]"

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

/* The command stands in parentheses and may have some itself: see proc_pid_stat(5). */
pid_t process_parent_parse(const char *stat) {
    const char *behind = strrchr(stat, ')');
    char state;
    int parent;

    return behind && sscanf(behind, ") %c %d", &state, &parent) == 2 && parent > 0 ? parent : 0;
}

void process_text(const char *text, char *ret, size_t size) {
    static const char cut[] = "...";
    _cleanup_(freep) char *escaped = text_escape(text);
    size_t n = escaped ? strlen(escaped) : 0;

    if (n >= size) {
        n = size - sizeof(cut);
        while (n > 0 && ((uint8_t)escaped[n] & 0xc0) == 0x80) /* within a character */
            n--;
        memcpy(ret, escaped, n);
        memcpy(ret + n, cut, sizeof(cut));
    } else {
        memcpy(ret, escaped ? escaped : "", n + 1);
    }
}

/* A file of /proc/PID/, cut to the buffer, a NUL behind it; how many bytes, 0: none. */
static size_t read_proc(pid_t pid, const char *name, char *text, size_t size) {
    _cleanup_(closep) int fd = -1;
    char path[64];
    ssize_t n;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? 0 : read(fd, text, size - 1);
    text[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

static bool read_command(pid_t pid, char *text, size_t size) {
    size_t n = read_proc(pid, "comm", text, size);

    text[strcspn(text, "\n")] = '\0';
    return n > 0;
}

/* Arguments end with a NUL each. */
static void read_command_line(pid_t pid, char ret[static PROCESS_LINE_MAX]) {
    char text[PROCESS_LINE_MAX + 2]; /* so that what is cut shows */
    size_t n = read_proc(pid, "cmdline", text, sizeof(text));

    while (n > 0 && text[n - 1] == '\0')
        n--;
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\0')
            text[i] = ' ';
    process_text(text, ret, PROCESS_LINE_MAX);
}

static void read_unit(pid_t pid, char ret[static PROCESS_UNIT_MAX]) {
    char text[512], unit[PROCESS_UNIT_MAX];

    if (!read_proc(pid, "cgroup", text, sizeof(text)))
        return;
    process_unit_parse(text, unit);
    process_text(unit, ret, PROCESS_UNIT_MAX);
}

static void read_uid(pid_t pid, struct process *p) {
    char path[64];
    struct stat st;

    snprintf(path, sizeof(path), "/proc/%d", (int)pid);
    if (stat(path, &st) == 0) {
        p->has_uid = true;
        p->uid = st.st_uid;
    }
}

static void read_login_uid(pid_t pid, struct process *p) {
    unsigned long long login;
    char text[32];

    if (read_proc(pid, "loginuid", text, sizeof(text)) && sscanf(text, "%llu", &login) == 1 &&
        login < (uid_t)-1) { /* which is: nobody logged in */
        p->has_login_uid = true;
        p->login_uid = (uid_t)login;
    }
}

/* hidepid=noaccess: the directory of another's process is there and can't be entered. Its owner is
 * told to everybody, its name is not: that an id of another namespace is another's process would
 * not show, so in such a namespace nobody is looked at. */
static bool is_hidden(pid_t pid) {
    char path[64], namespace[sizeof(FIRST_PID_NAMESPACE)];
    ssize_t n = readlink("/proc/self/ns/pid", namespace, sizeof(namespace));

    snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
    return pid > 0 && access(path, R_OK) < 0 && (errno == EPERM || errno == EACCES) &&
           n == sizeof(namespace) - 1 && memcmp(namespace, FIRST_PID_NAMESPACE, (size_t)n) == 0;
}

static bool is_still(pid_t pid, const char *command) {
    char text[PROCESS_COMMAND_MAX];

    return pid > 0 && read_command(pid, text, sizeof(text)) && strcmp(text, command) == 0;
}

/* Who logged in is inherited by the parent's children. */
static void read_parent(struct process *p) {
    char text[PROCESS_COMMAND_MAX];

    if (p->parent_pid <= 0 || !read_command(p->parent_pid, text, sizeof(text)))
        return;
    process_text(text, p->parent_command, sizeof(p->parent_command));
    read_unit(p->parent_pid, p->parent_unit);
    if (!p->has_login_uid)
        read_login_uid(p->parent_pid, p);
}

void process_look(pid_t pid, const char *command, struct process *ret) {
    struct process p = { 0 };
    char text[512];

    if (is_still(pid, command)) {
        if (read_proc(pid, "stat", text, sizeof(text)))
            p.parent_pid = process_parent_parse(text);
        read_uid(pid, &p);
        read_login_uid(pid, &p);
        read_unit(pid, p.unit);
        read_parent(&p);
    } else if (is_hidden(pid)) {
        p.is_hidden = true;
        read_uid(pid, &p);
    }
    *ret = p;
}

static void find_unit(pid_t pid, struct process *p) {
    char path[CGROUP_PATH_MAX], unit[PROCESS_UNIT_MAX];

    if (!cgroup_find(CGROUP_MOUNT, pid, clock_monotonic() + CGROUP_USEC, path))
        return;
    process_unit_parse(path, unit);
    process_text(unit, p->unit, sizeof(p->unit));
    p->has_login_uid = cgroup_login_uid(path, &p->login_uid);
}

void process_look_closer(pid_t pid, const char *command, struct process *p) {
    if (p->is_hidden) {
        find_unit(pid, p);
        return;
    }
    if (p->parent_pid > 0 && p->parent_command[0])
        read_command_line(p->parent_pid, p->parent_command_line);
    if (is_still(pid, command))
        read_command_line(pid, p->command_line);
}
