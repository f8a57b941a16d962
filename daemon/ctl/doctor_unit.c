/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd is asked once, for all units that any area wants to know of. In a directory there is
 * none to ask; there the links that enable units are looked at. */
#include "child.h"
#include "doctor.h"
#include "print.h"

#include <dirent.h>
#include <string.h>

#define RESTARTS_MANY 3

static const char *const asked[] = {
    "systemctl",
    "show",
    "--property=Id,LoadState,UnitFileState,ActiveState,Result",
    "--property=ConditionResult,NRestarts,NeedDaemonReload",
    "--",
    "portd.service",
    "portd-resolver.service",
    "nftables.service",
    "docker.service",
    "podman.service",
    "firewalld.service",
    "k3s.service",
    "kubelet.service",
    NULL,
};

/* A block of lines "Key=value" a unit, an empty line between two. */
static json_t *units_parse(char *text) {
    json_t *units = json_object(), *unit = NULL;
    char *line, *value;

    while ((line = strsep(&text, "\n"))) {
        if (!*line || !unit) {
            json_decref(unit);
            unit = json_object();
        }
        value = strchr(line, '=');
        if (!value)
            continue;
        *value++ = '\0';
        (void)json_object_set_new(unit, line, json_string(value));
        if (strcmp(line, "Id") == 0)
            (void)json_object_set(units, value, unit);
    }
    json_decref(unit);
    return units;
}

void units_ask(struct doctor *d) {
    _cleanup_(freep) char *text = NULL;

    if (child_output(asked, &text) == 0)
        d->units = units_parse(text);
}

const char *unit_property(const struct doctor *d, const char *unit, const char *property) {
    return member_text(json_object_get(d->units, unit), property);
}

static bool unit_is(const struct doctor *d, const char *unit, const char *property,
                    const char *value) {
    return strcmp(unit_property(d, unit, property), value) == 0;
}

/* Whether some target or unit wants it. */
static bool unit_is_linked(const struct doctor *d, const char *unit) {
    _cleanup_(freep) char *path = doctor_path(d, "/etc/systemd/system");
    DIR *dir = path ? opendir(path) : NULL;
    struct dirent *entry;
    bool found = false;

    while (dir && !found && (entry = readdir(dir))) {
        size_t n = strlen(entry->d_name);
        _cleanup_(freep) char *link = NULL;

        if (n < 6 || strcmp(entry->d_name + n - 6, ".wants") != 0)
            continue;
        if (asprintf(&link, "/etc/systemd/system/%s/%s", entry->d_name, unit) < 0)
            link = NULL;
        found = link && doctor_has(d, link);
    }
    if (dir)
        closedir(dir);
    return found;
}

static bool unit_is_enabled(const struct doctor *d, const char *unit) {
    if (!doctor_is_here(d))
        return unit_is_linked(d, unit);
    return unit_is(d, unit, "UnitFileState", "enabled") ||
           unit_is(d, unit, "UnitFileState", "enabled-runtime");
}

bool unit_is_used(const struct doctor *d, const char *unit) {
    return unit_is_enabled(d, unit) || unit_is(d, unit, "ActiveState", "active");
}

static bool unit_is_there(const struct doctor *d, const char *unit) {
    static const char *const dirs[] = { "/etc/systemd/system", "/usr/lib/systemd/system",
                                        "/lib/systemd/system", "/usr/local/lib/systemd/system" };

    if (doctor_is_here(d))
        return !unit_is(d, unit, "LoadState", "not-found");
    for (size_t i = 0; i < ARRAY_SIZE(dirs); i++) {
        _cleanup_(freep) char *path = NULL;

        if (asprintf(&path, "%s/%s", dirs[i], unit) < 0)
            path = NULL;
        if (path && doctor_has(d, path))
            return true;
    }
    return false;
}

static void find_stopped(struct doctor *d) {
    static const struct complaint failed = {
        LEVEL_PROBLEM, "unit-failed",
        "the rules that are in force stay, but nobody repairs them or takes new ones"
    };
    static const struct complaint no_site = { LEVEL_PROBLEM, "unit-no-site",
                                              "portd enforces nothing before it is told what" };
    static const struct complaint inactive = { LEVEL_PROBLEM, "unit-inactive",
                                               "the rules that are in force stay, but nobody "
                                               "repairs them or takes new ones" };

    if (unit_is(d, "portd.service", "ActiveState", "failed"))
        doctor_find(d, &failed, "journalctl -u portd -b -n 30", "portd.service has failed: %s",
                    unit_property(d, "portd.service", "Result"));
    else if (unit_is(d, "portd.service", "ConditionResult", "no") && access(d->site, F_OK) != 0)
        doctor_find(d, &no_site, "portd-ctl init --help",
                    "portd.service was not started: there is no site file");
    else
        doctor_find(d, &inactive, "systemctl start portd", "portd.service is %s",
                    unit_property(d, "portd.service", "ActiveState"));
}

/* What only a systemd that runs can tell. */
static void examine_running(struct doctor *d) {
    static const struct complaint changed = { LEVEL_PROBLEM, "unit-changed",
                                              "systemd runs it as it was before that" };
    static const struct complaint restarts = {
        LEVEL_PROBLEM, "unit-restarts",
        "the rules stay in force meanwhile, but something ends portd again and again"
    };
    long n = strtol(unit_property(d, "portd.service", "NRestarts"), NULL, 10);

    if (!unit_is(d, "portd.service", "ActiveState", "active"))
        find_stopped(d);
    if (unit_is(d, "portd.service", "NeedDaemonReload", "yes"))
        doctor_find(d, &changed, "systemctl daemon-reload && systemctl restart portd",
                    "portd.service changed on disk");
    if (n >= RESTARTS_MANY)
        doctor_find(d, &restarts, "journalctl -u portd -b -p warning",
                    "systemd had to restart portd %ld times", n);
}

void examine_unit(struct doctor *d) {
    static const struct complaint missing = { LEVEL_PROBLEM, "unit-missing",
                                              "nothing starts portd when this host boots" };
    static const struct complaint masked = { LEVEL_PROBLEM, "unit-masked",
                                             "nothing starts portd when this host boots" };
    static const struct complaint disabled = { LEVEL_PROBLEM, "unit-disabled",
                                               "after the next boot every port is open" };

    if (doctor_is_here(d) && !d->units) {
        doctor_saw(d, "no systemd runs here that could be asked");
        return;
    }
    if (!unit_is_there(d, "portd.service")) {
        doctor_saw(d, "there is no portd.service");
        doctor_find(d, &missing, "install the package portd", "there is no portd.service");
        return;
    }
    doctor_saw(d, "portd.service is %s%s%s",
               unit_is_enabled(d, "portd.service") ? "enabled" : "not enabled",
               doctor_is_here(d) ? " and " : "", unit_property(d, "portd.service", "ActiveState"));
    if (unit_is(d, "portd.service", "LoadState", "masked"))
        doctor_find(d, &masked, "systemctl unmask portd", "portd.service is masked");
    else if (!unit_is_enabled(d, "portd.service"))
        doctor_find(d, &disabled, "systemctl enable portd", "portd.service is not enabled");
    if (doctor_is_here(d))
        examine_running(d);
}
