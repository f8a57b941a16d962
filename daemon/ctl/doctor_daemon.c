/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon knows by itself it is asked for. */
#include "client.h"
#include "doctor.h"
#include "print.h"

#include <errno.h>
#include <string.h>

/* That belongs to another area. */
#define WARNING_NO_RESOLVER "no-resolver"

/* Which warnings say how the site is, or how things are for a moment: they may be meant so. Any
 * other is about something that went wrong. */
static const char *const notes[] = {
    "peer-unbound", "port-unnamed", "no-management", "no-roles", "no-baseline",
    "mode-audit",   "part-audit",   "mode-off",      "learning", "audit",
};

static bool is_note(const char *code) {
    for (size_t i = 0; i < ARRAY_SIZE(notes); i++)
        if (strcmp(notes[i], code) == 0)
            return true;
    return false;
}

static const struct state {
    const char *name;
    struct complaint complaint;
} states[] = {
    { "audit",
      { LEVEL_PROBLEM, "state-audit",
        "what the policy denies is counted and logged, but passes" } },
    { "degraded",
      { LEVEL_PROBLEM, "state-degraded", "what is in force is not what the files say" } },
    { "contested",
      { LEVEL_PROBLEM, "state-contested",
        "between a change and its repair the rules are not the policy's" } },
    { "off", { LEVEL_PROBLEM, "state-off", "no port of this host is closed by portd" } },
};

/* Each that went wrong, under its own code, and how many there are besides. */
static void examine_warnings(struct doctor *d) {
    static const struct complaint known = {
        LEVEL_NOTE, "warnings", "the files allow it, and yet it is more often forgotten than meant"
    };
    json_t *warnings = json_object_get(d->status, "warnings"), *warning;
    size_t i, n = 0;

    json_array_foreach(warnings, i, warning) {
        const struct complaint wrong = {
            LEVEL_PROBLEM, member_text(warning, "code"),
            "portd itself says so: it enforces, but not all is as it should be"
        };

        if (is_note(wrong.code))
            n++;
        else if (strcmp(wrong.code, WARNING_NO_RESOLVER) != 0)
            doctor_find(d, &wrong, member_text(warning, "hint"), "%s",
                        member_text(warning, "text"));
    }
    if (n > 0)
        doctor_find(d, &known, "portd-ctl status", "portd has %zu warning%s", n, n == 1 ? "" : "s");
}

static void find_silent(struct doctor *d) {
    static const struct complaint none = { LEVEL_PROBLEM, "portd-silent",
                                           "without it nobody repairs the rules, and nobody knows "
                                           "whether there are any" };
    static const struct complaint denied = { LEVEL_PROBLEM, "portd-denied",
                                             "members of group portd may ask, root may change" };
    int fd = client_connect(d->options->socket);

    fd_close(fd);
    doctor_saw(d, "it does not answer");
    if (fd == -EACCES)
        doctor_find(d, &denied, "usermod -aG portd USER, then log in anew",
                    "this user may not ask portd at %s", d->options->socket);
    else
        doctor_find(d, &none, "systemctl status portd", "portd does not answer at %s: %s",
                    d->options->socket, fd < 0 ? strerror(-fd) : "it says nothing");
}

void examine_portd(struct doctor *d) {
    const char *state = member_text(d->status, "state");

    if (!doctor_is_here(d)) {
        doctor_saw(d, "nobody to ask in a directory");
        return;
    }
    if (!d->status) {
        find_silent(d);
        return;
    }
    doctor_saw(d, "%s, %lld flows on host %s of site %s", state,
               (long long)json_integer_value(json_object_get(d->status, "flows")),
               member_text(d->status, "host"), member_text(d->status, "site"));
    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(states[i].name, state) == 0)
            doctor_find(d, &states[i].complaint, "portd-ctl status", "portd is in state %s", state);
    examine_warnings(d);
}

/* --- names --- */

static bool has_warning(const struct doctor *d, const char *code) {
    json_t *warning;
    size_t i;

    json_array_foreach(json_object_get(d->status, "warnings"), i,
                       warning) if (strcmp(member_text(warning, "code"), code) == 0) return true;
    return false;
}

/* The daemon knows who is connected, systemd who is about to be. */
void examine_names(struct doctor *d) {
    static const struct complaint down = {
        LEVEL_PROBLEM, "resolver-down",
        "DNS names keep the addresses that they have, and those without any are closed"
    };
    const char *state = unit_property(d, "portd-resolver.service", "ActiveState");
    long long n = (long long)json_integer_value(json_object_get(d->status, "names"));
    bool runs = !has_warning(d, WARNING_NO_RESOLVER) && (!*state || strcmp(state, "active") == 0);

    if (!d->status) {
        doctor_saw(d, "not looked at: portd does not answer");
        return;
    }
    doctor_saw(d, "rows of this host need %lld DNS name%s", n, n == 1 ? "" : "s");
    if (n > 0 && !runs)
        doctor_find(d, &down, "systemctl start portd-resolver",
                    "portd-resolver does not run, but rows need DNS names");
}
