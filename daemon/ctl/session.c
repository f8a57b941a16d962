/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sshd says it in SSH_CONNECTION (ssh(1)), and sudo takes that away: then a process that stands
 * above this one still has it. Where it is empty nobody is looked for. */
#include "session.h"

#include "base/macros.h"
#include "varlink/interface.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define VARIABLE    "SSH_CONNECTION"
#define ENVIRON_MAX (256UL * 1024)
#define DEPTH_MAX   64U

/* The text of a file below /proc, malloc'ed, ended by two NULs; NULL: it can't be read. */
static char *proc_read(pid_t pid, const char *name) {
    _cleanup_(closep) int fd = -1;
    char path[64], *text;
    size_t size = 0;
    ssize_t n = 1;

    snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    text = fd < 0 ? NULL : calloc(1, ENVIRON_MAX + 2);
    while (text && n > 0 && size < ENVIRON_MAX) {
        n = read(fd, text + size, ENVIRON_MAX - size);
        size += n > 0 ? (size_t)n : 0;
    }
    return text;
}

/* 0: there is none. The name before it may have any characters, also ")". */
static pid_t parent_of(pid_t pid) {
    _cleanup_(freep) char *text = proc_read(pid, "stat");
    const char *behind = text ? strrchr(text, ')') : NULL;
    int parent;

    return behind && sscanf(behind, ") %*c %d", &parent) == 1 ? parent : 0;
}

static char *variable_of(pid_t pid) {
    _cleanup_(freep) char *text = proc_read(pid, "environ");
    const char *entry = text;

    while (entry && *entry && strncmp(entry, VARIABLE "=", strlen(VARIABLE "=")) != 0)
        entry += strlen(entry) + 1;
    return entry && *entry ? strdup(entry + strlen(VARIABLE "=")) : NULL;
}

static char *session_find(void) {
    const char *own = getenv(VARIABLE);
    char *found = own ? strdup(own) : NULL;
    pid_t pid = getppid();

    for (unsigned i = 0; !own && !found && pid > 1 && i < DEPTH_MAX; i++) {
        found = variable_of(pid);
        pid = parent_of(pid);
    }
    return found;
}

static int add(json_t *parameters) {
    _cleanup_(freep) char *session = session_find();

    return session && *session ? json_object_set_new(parameters, "session", json_string(session))
                               : 0;
}

int session_add(const struct options *o, json_t *parameters) {
    return o->remote ? 0 : add(parameters);
}

char *session_into_call(const char *text) {
    json_t *call = json_loads(text, 0, NULL);
    json_t *parameters = json_object_get(call, "parameters");
    const char *method = json_string_value(json_object_get(call, "method"));
    char *changed = NULL;

    if (json_is_object(parameters) && !json_object_get(parameters, "session") && method &&
        (strcmp(method, INTERFACE_PORTD ".Plan") == 0 ||
         strcmp(method, INTERFACE_PORTD ".Reload") == 0) &&
        add(parameters) == 0)
        changed = json_dumps(call, JSON_COMPACT);
    json_decref(call);
    return changed;
}
