/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user can do depends on what failed, so each failure is a row with its advice. */
#include "failure.h"

#include "base/macros.h"
#include "engine/explain.h"
#include "print.h"
#include "screen.h"
#include "varlink/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct advice {
    int error; /* positive errno */
    enum status status;
    const char *text;
};

static const struct advice advices[] = {
    { ENOENT, STATUS_NO_DAEMON, "portd is not running: systemctl status portd" },
    { ECONNREFUSED, STATUS_NO_DAEMON, "portd is not running any more: systemctl status portd" },
    { EACCES, STATUS_FAILED,
      "this user may not ask portd: members of group portd may read, root may do all; try sudo" },
    { ENOPKG, STATUS_FAILED, "there is no ssh here to reach it with: install openssh-client" },
    { ENAMETOOLONG, STATUS_USAGE, "the path is too long for a socket" },
    { ECONNRESET, STATUS_FAILED,
      "portd hung up: it serves 8 clients a user at a time and may be restarting; try again, "
      "then: systemctl status portd" },
    { EPIPE, STATUS_FAILED,
      "portd hung up: it serves 8 clients a user at a time and may be restarting; try again, "
      "then: systemctl status portd" },
    { ETIMEDOUT, STATUS_FAILED, "portd does not answer: systemctl status portd" },
    { EPROTO, STATUS_FAILED, "this is not portd, or one of another version: portd-ctl --version" },
};

enum status failure_connection(const struct options *o, int error) {
    const char *where = o->remote ? o->remote : o->socket;

    if (error == -ENOMEM)
        return failure_memory();
    for (size_t i = 0; i < ARRAY_SIZE(advices); i++)
        if (advices[i].error == -error) {
            fprintf(stderr, "portd-ctl: %s: %s\n", where, advices[i].text);
            return advices[i].status;
        }
    fprintf(stderr, "portd-ctl: %s: %s\n", where, strerror(-error));
    return STATUS_FAILED;
}

/* Whoever could connect and is refused lacks what the method's row asks for. */
static void print_denied(const char *method) {
    static const char *const writes[] = { INTERFACE_PORTD ".Reload", INTERFACE_PORTD ".Off",
                                          INTERFACE_PORTD ".Unseal", INTERFACE_PORTD ".Seal" };
    const char *text = "members of group portd may read, root may do all: try sudo";

    for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
        if (strcmp(method, writes[i]) == 0)
            text = "only root may do this: try sudo";
    fprintf(stderr, "portd-ctl: %s\n", text);
}

static void print_mistakes(json_t *mistakes) {
    json_t *mistake;
    size_t i;

    json_array_foreach(mistakes, i, mistake) print_mistake(mistake, stderr);
    fprintf(stderr,
            "portd-ctl: refused with %zu mistake%s, the rules in force stay: correct the "
            "files, then: portd-ctl check\n",
            json_array_size(mistakes), json_array_size(mistakes) == 1 ? "" : "s");
}

enum status failure_answer(const struct options *o, const char *method, const char *error,
                           json_t *parameters) {
    const char *text;

    if (o->json) {
        json_t *answer = json_pack("{sssO*}", "error", error, "parameters", parameters);

        print_json(answer, false);
        json_decref(answer);
    }
    screen_make_safe(parameters);
    text = json_string_value(json_object_get(parameters, "text"));
    if (strcmp(error, ERROR_INVALID) == 0)
        print_mistakes(json_object_get(parameters, "mistakes"));
    else if (strcmp(error, ERROR_PERMISSION_DENIED) == 0)
        print_denied(method);
    else if (strcmp(error, ERROR_METHOD_NOT_FOUND) == 0 ||
             strcmp(error, ERROR_INTERFACE_NOT_FOUND) == 0)
        fprintf(stderr,
                "portd-ctl: the portd that runs is another version and has no %s: "
                "systemctl restart portd\n",
                method);
    else
        fprintf(stderr, "portd-ctl: %s\n", text ? text : error);
    return STATUS_FAILED;
}

enum status failure_report(const struct options *o, const struct report *report) {
    if (o->json) {
        json_t *answer = json_pack("{so}", "mistakes", report_json(report));

        print_json(answer, false);
        json_decref(answer);
    }
    report_print(report, stderr);
    return STATUS_FAILED;
}

enum status failure_write(const char *path, int error) {
    fprintf(stderr, "portd-ctl: %s can't be written: %s%s\n", path, strerror(-error),
            error == -EACCES   ? ": try sudo"
            : error == -ENOENT ? ": make its directory first"
                               : "");
    return STATUS_FAILED;
}

enum status failure_memory(void) {
    fprintf(stderr, "portd-ctl: out of memory\n");
    return STATUS_FAILED;
}
