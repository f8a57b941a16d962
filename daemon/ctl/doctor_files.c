/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that portd reads, as portd reads them; and who may read and write what it stands on. */
#include "doctor.h"

#include "engine/intent.h"
#include "files/files.h"

#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#define MISTAKES_MAX 10U

/* --- files --- */

static void find_mistakes(struct doctor *d, const struct report *report) {
    static const struct complaint mistake = {
        LEVEL_PROBLEM, "file-mistake",
        "portd refuses the files whole: a reload changes nothing, a start falls back on the last "
        "good ones"
    };
    size_t n = report->n_entries < MISTAKES_MAX ? report->n_entries : MISTAKES_MAX;

    for (size_t i = 0; i < n; i++) {
        _cleanup_(freep) char *text = report_entry_text(&report->entries[i]);

        doctor_find(d, &mistake, "portd-ctl check", "%s", text ? text : "");
    }
    if (report->n_entries > n)
        doctor_find(d, &mistake, "portd-ctl check", "and %zu more", report->n_entries - n);
}

/* 0, positive with mistakes in the report, or -errno. */
static int load(struct doctor *d, struct loaded *ret, struct report *reterr) {
    const struct list *chosen = &d->options->policy_dirs;
    static const char *const shipped[] = FILES_POLICY_DIRS;
    char *dirs[ARRAY_SIZE(shipped)] = { NULL };
    int r;

    if (chosen->n > 0)
        return files_load(d->site, chosen->items, chosen->n, NULL, ret, reterr);
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
        dirs[i] = doctor_path(d, shipped[i]);
    r = files_load(d->site, (const char *const *)dirs, ARRAY_SIZE(shipped), NULL, ret, reterr);
    for (size_t i = 0; i < ARRAY_SIZE(shipped); i++)
        free(dirs[i]);
    return r;
}

/* The name by which portd looks for itself in the site. */
static void host_name(const struct doctor *d, char *ret, size_t size) {
    _cleanup_(freep) char *text = doctor_is_here(d) ? NULL : doctor_read(d, "/etc/hostname");

    if (d->options->host)
        snprintf(ret, size, "%s", d->options->host);
    else if (text)
        snprintf(ret, size, "%.*s", (int)strcspn(text, "\n"), text);
    else
        (void)gethostname(ret, size - 1);
}

static int resolve(const struct doctor *d, const struct loaded *l, struct report *reterr) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    char full[HOST_NAME_MAX + 1] = "", brief[HOST_NAME_MAX + 1] = "";
    const char *names[] = { full, brief };

    host_name(d, full, sizeof(full));
    memcpy(brief, full, sizeof(brief));
    brief[strcspn(brief, ".")] = '\0';
    return intent_resolve(loaded_policies(l), l->n_policies, l->site, names,
                          d->options->host || strcmp(full, brief) == 0 ? 1 : 2, &intent, reterr);
}

void examine_files(struct doctor *d) {
    static const struct complaint no_site = { LEVEL_PROBLEM, "site-missing",
                                              "portd enforces nothing before it is told which host "
                                              "plays which role" };
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    _cleanup_(report_clear) struct report report = REPORT_INIT;
    int r;

    if (access(d->site, F_OK) != 0) {
        doctor_saw(d, "there is no site file");
        doctor_find(d, &no_site, "portd-ctl init --help", "%s is not there", d->site);
        return;
    }
    r = load(d, &l, &report);
    if (r == 0)
        r = resolve(d, &l, &report);
    if (r < 0)
        d->is_incomplete = true;
    else if (r > 0)
        doctor_saw(d, "%zu mistake%s", report.n_entries, report.n_entries == 1 ? "" : "s");
    else
        doctor_saw(d, "%s: %zu hosts, %zu policies, no mistake", d->site, l.site->n_hosts,
                   l.n_policies);
    find_mistakes(d, &report);
}

/* --- rights --- */

/* Users and groups of a system in a directory are in its files; this one may have others. */
static bool has_user(const struct doctor *d, const char *name, uid_t *ret) {
    _cleanup_(freep) char *path = doctor_path(d, "/etc/passwd");
    FILE *f = !doctor_is_here(d) && path ? fopen(path, "re") : NULL;
    const struct passwd *p = doctor_is_here(d) ? getpwnam(name) : NULL;

    while (f && (p = fgetpwent(f)) && strcmp(p->pw_name, name) != 0)
        ;
    if (p)
        *ret = p->pw_uid;
    if (f)
        fclose(f);
    return p;
}

static bool has_group(const struct doctor *d, const char *name, gid_t *ret) {
    _cleanup_(freep) char *path = doctor_path(d, "/etc/group");
    FILE *f = !doctor_is_here(d) && path ? fopen(path, "re") : NULL;
    const struct group *g = doctor_is_here(d) ? getgrnam(name) : NULL;

    while (f && (g = fgetgrent(f)) && strcmp(g->gr_name, name) != 0)
        ;
    if (g)
        *ret = g->gr_gid;
    if (f)
        fclose(f);
    return g;
}

static void examine_users(struct doctor *d) {
    static const struct complaint no_user = { LEVEL_PROBLEM, "user-missing",
                                              "it gives up root for this user, and starts as no "
                                              "other" };
    static const struct complaint no_group = { LEVEL_PROBLEM, "group-missing",
                                               "its members are those besides root who may ask "
                                               "portd" };
    static const char *const users[] = { "_portd", "_portd-resolver" };
    uid_t uid;
    gid_t gid;

    for (size_t i = 0; i < ARRAY_SIZE(users); i++)
        if (!has_user(d, users[i], &uid))
            doctor_find(d, &no_user, "systemd-sysusers", "there is no user %s", users[i]);
    if (!has_group(d, "portd", &gid))
        doctor_find(d, &no_group, "systemd-sysusers", "there is no group portd");
}

/* What of a path matters; what isn't there is nobody's. */
static const struct guarded {
    const char *path;
    const char *owner; /* root is one always */
    const char *group; /* NULL: any */
    mode_t never;      /* bits that nobody may have */
    mode_t always;
    const char *why;
} guarded[] = {
    { "/etc/portd", "root", NULL, 0022, 0005,
      "whoever can write here says what is open; portd reads it as user _portd" },
    { FILES_SITE, "root", NULL, 0022, 0004,
      "whoever can write it says what is open; portd reads it as user _portd" },
    { "/etc/portd/site.d", "root", NULL, 0022, 0005,
      "whoever can write here says what is open; portd reads it as user _portd" },
    { "/etc/portd/policy", "root", NULL, 0022, 0005,
      "whoever can write here says what is open; portd reads it as user _portd" },
    { "/run/portd", "_portd", NULL, 0022, 0, "whoever can write here can pretend to be portd" },
    { "/run/portd/io.portd", "_portd", "portd", 0007, 0660,
      "members of group portd, and nobody else, may ask" },
    { "/var/lib/portd", "_portd", NULL, 0077, 0700,
      "what is in here is enforced when the files have mistakes" },
};

/* chmod's words for what is to change. */
static char *mode_hint(const struct guarded *g, mode_t mode) {
    mode_t right = (mode & 07777 & ~g->never) | g->always;
    char *text;

    return asprintf(&text, "chmod %04o %s", right, g->path) < 0 ? NULL : text;
}

static void examine_path(struct doctor *d, const struct guarded *g) {
    const struct complaint owner = { LEVEL_PROBLEM, "path-owner", g->why };
    const struct complaint mode = { LEVEL_PROBLEM, "path-mode", g->why };
    _cleanup_(freep) char *chown_hint = NULL;
    _cleanup_(freep) char *hint = NULL;
    uid_t uid = 0;
    gid_t gid = 0;
    struct stat st;

    if (!doctor_stat(d, g->path, &st) || S_ISLNK(st.st_mode))
        return;
    if (asprintf(&chown_hint, "chown %s%s%s %s", g->owner, g->group ? ":" : "",
                 g->group ? g->group : "", g->path) < 0)
        chown_hint = NULL;
    if (st.st_uid != 0 && (!has_user(d, g->owner, &uid) || st.st_uid != uid))
        doctor_find(d, &owner, chown_hint ? chown_hint : "", "%s belongs to user %u, not %s",
                    g->path, (unsigned)st.st_uid, g->owner);
    else if (g->group && has_group(d, g->group, &gid) && st.st_gid != gid)
        doctor_find(d, &owner, chown_hint ? chown_hint : "", "%s belongs to group %u, not %s",
                    g->path, (unsigned)st.st_gid, g->group);
    hint = mode_hint(g, st.st_mode);
    if (st.st_mode & g->never || (st.st_mode & g->always) != g->always)
        doctor_find(d, &mode, hint ? hint : "", "%s has mode %04o", g->path,
                    (unsigned)(st.st_mode & 07777));
}

void examine_rights(struct doctor *d) {
    size_t before = json_array_size(d->findings);

    examine_users(d);
    for (size_t i = 0; i < ARRAY_SIZE(guarded); i++)
        examine_path(d, &guarded[i]);
    if (json_array_size(d->findings) == before)
        doctor_saw(d, "users, group and files are as they should be");
    else
        doctor_saw(d, "users, group and files are not all as they should be");
}
