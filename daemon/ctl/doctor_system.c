/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What portd stands on and who else is there: kernel, clock, other firewalls. */
#include "doctor.h"
#include "print.h"

#include <string.h>
#include <sys/timex.h>
#include <time.h>

/* --- kernel --- */

/* Whether a line of a file, which may be long, has the text in it. */
static bool file_mentions(const struct doctor *d, const char *path, const char *text) {
    _cleanup_(freep) char *full = doctor_path(d, path);
    _cleanup_(freep) char *line = NULL;
    FILE *f = full ? fopen(full, "re") : NULL;
    bool found = false;
    size_t size = 0;

    while (f && !found && getline(&line, &size, f) >= 0)
        found = strstr(line, text);
    if (f)
        fclose(f);
    return found;
}

/* A part of the kernel, the module that it can be, and a function that it has then. */
static const struct feature {
    const char *module, *symbol;
    struct complaint complaint;
} features[] = {
    { "nf_tables",
      " nft_do_chain",
      { LEVEL_PROBLEM, "kernel-nf-tables", "without it no rule can be in force at all" } },
    { "nf_conntrack",
      " nf_conntrack_in",
      { LEVEL_PROBLEM, "kernel-conntrack", "without it nobody can tell what is an answer" } },
    { "nfnetlink_log",
      " nfulnl_log_packet",
      { LEVEL_NOTE, "kernel-nflog", "without it denied packets are counted, but not told of" } },
};

/* What is built in or loaded is among the kernel's symbols, what can be loaded in depmod's list. */
static bool has_feature(const struct doctor *d, const struct feature *f, const char *modules) {
    _cleanup_(freep) char *list = NULL;
    _cleanup_(freep) char *file = NULL;

    if (asprintf(&list, "%s/modules.dep", modules) < 0)
        list = NULL;
    if (asprintf(&file, "/%s.ko", f->module) < 0)
        file = NULL;
    return file_mentions(d, "/proc/kallsyms", f->symbol) ||
           (list && file && file_mentions(d, list, file));
}

static void examine_features(struct doctor *d, const char *release) {
    _cleanup_(freep) char *modules = NULL;
    bool has_modules;

    if (asprintf(&modules, "/lib/modules/%s", release) < 0)
        return;
    has_modules = doctor_has(d, modules);
    for (size_t i = 0; i < ARRAY_SIZE(features); i++) {
        if (has_feature(d, &features[i], modules))
            continue;
        doctor_find(d, &features[i].complaint,
                    has_modules ? "install a kernel that has it"
                                : "after an update of the kernel: reboot; in a container: modprobe "
                                  "it outside",
                    "kernel %s has no %s%s", release, features[i].module,
                    has_modules ? "" : ", and no modules that it could load");
    }
}

static long number_in(const struct doctor *d, const char *path) {
    _cleanup_(freep) char *text = doctor_read(d, path);

    return text ? strtol(text, NULL, 10) : 0;
}

static void examine_conntrack(struct doctor *d) {
    static const struct complaint full = {
        LEVEL_PROBLEM, "conntrack-full",
        "when it is full the kernel drops packets of new connections, whatever the policy allows"
    };
    long n = number_in(d, "/proc/sys/net/netfilter/nf_conntrack_count");
    long max = number_in(d, "/proc/sys/net/netfilter/nf_conntrack_max");

    if (max > 0 && n >= max - max / 10)
        doctor_find(d, &full, "sysctl net.netfilter.nf_conntrack_max=N, and in /etc/sysctl.d",
                    "connection tracking has %ld of %ld entries", n, max);
}

static void examine_seal(struct doctor *d) {
    static const struct complaint watched = {
        LEVEL_NOTE, "not-sealed",
        "what another root process changes is in force for the milliseconds until portd repairs it"
    };
    const char *seal = member_text(d->status, "seal");

    if (strcmp(seal, "watched") == 0)
        doctor_find(d, &watched, "\"seal\": true in the site file, and a kernel of 6.9 or later",
                    "portd's table is not sealed");
}

void examine_kernel(struct doctor *d) {
    _cleanup_(freep) char *release = doctor_read(d, "/proc/sys/kernel/osrelease");
    const char *seal = member_text(d->status, "seal");

    if (!release || !*release) {
        doctor_saw(d, "not looked at: no kernel runs in a directory");
        return;
    }
    release[strcspn(release, "\n")] = '\0';
    doctor_saw(d, "%s%s%s", release, *seal ? ", the table is " : "", seal);
    examine_features(d, release);
    examine_conntrack(d);
    examine_seal(d);
}

/* --- others who write rules --- */

#define PUBLISHES                                                                                  \
    "the ports that it publishes are held to the ingress policy, by the port that was asked for: " \
    "one that no flow opens is closed"

static const struct manager {
    const char *unit, *name, *hint;
    struct complaint complaint;
} managers[] = {
    { "firewalld.service",
      "firewalld",
      "portd-ctl audit; to leave it to portd: systemctl disable --now firewalld",
      { LEVEL_PROBLEM, "manager-firewalld",
        "a packet has to pass both: what it drops stays closed, whatever portd opens" } },
    { "docker.service", "docker", "portd-ctl audit", { LEVEL_NOTE, "manager-docker", PUBLISHES } },
    { "podman.service", "podman", "portd-ctl audit", { LEVEL_NOTE, "manager-podman", PUBLISHES } },
    { "kubelet.service",
      "kubelet",
      "portd-ctl audit",
      { LEVEL_NOTE, "manager-kubernetes", PUBLISHES } },
    { "k3s.service", "k3s", "portd-ctl audit", { LEVEL_NOTE, "manager-kubernetes", PUBLISHES } },
};

/* The unit is enabled always; whether ufw does anything is in its own file. */
static void examine_ufw(struct doctor *d) {
    static const struct complaint ufw = {
        LEVEL_PROBLEM, "manager-ufw",
        "a packet has to pass both: what it drops stays closed, whatever portd opens"
    };
    _cleanup_(freep) char *text = doctor_read(d, "/etc/ufw/ufw.conf");

    if (text && (strncmp(text, "ENABLED=yes", 11) == 0 || strstr(text, "\nENABLED=yes")))
        doctor_find(d, &ufw, "portd-ctl audit; to leave it to portd: ufw disable",
                    "ufw is enabled");
}

static bool is_sealed(const struct doctor *d) {
    return strcmp(member_text(d->status, "seal"), "sealed") == 0;
}

/* A sealed table is passed by when others flush. */
static void examine_nftables(struct doctor *d) {
    static const struct complaint flush = {
        LEVEL_PROBLEM, "manager-nftables",
        "it takes portd's table away, too, which nothing keeps from it but the seal; portd puts it "
        "back a moment later"
    };
    _cleanup_(freep) char *text = doctor_read(d, "/etc/nftables.conf");
    const char *found = text ? strstr(text, "flush ruleset") : NULL;

    if (!found || is_sealed(d) || !unit_is_used(d, "nftables.service"))
        return;
    while (found > text && found[-1] != '\n' && strchr(" \t", found[-1]))
        found--;
    if (found == text || found[-1] == '\n')
        doctor_find(d, &flush,
                    "in /etc/nftables.conf: \"flush table ...\" for each table of your own, or "
                    "systemctl disable nftables",
                    "nftables.service flushes the whole ruleset whenever it starts or stops");
}

static void examine_legacy(struct doctor *d) {
    static const struct complaint legacy = {
        LEVEL_NOTE, "manager-legacy",
        "packets pass them besides portd's rules, and nft does not show them"
    };
    static const char *const lists[] = { "/proc/net/ip_tables_names",
                                         "/proc/net/ip6_tables_names" };

    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        _cleanup_(freep) char *text = doctor_read(d, lists[i]);

        for (char *c = text; c && *c; c++)
            *c = *c == '\n' ? ' ' : *c;
        if (text && *text)
            doctor_find(d, &legacy, i ? "ip6tables-legacy-save" : "iptables-legacy-save",
                        "tables of the older %s are in use: %s", i ? "ip6tables" : "iptables",
                        text);
    }
}

void examine_managers(struct doctor *d) {
    size_t before = json_array_size(d->findings);

    examine_ufw(d);
    examine_nftables(d);
    for (size_t i = 0; i < ARRAY_SIZE(managers); i++)
        if (unit_is_used(d, managers[i].unit))
            doctor_find(d, &managers[i].complaint, managers[i].hint, "%s is in use, too",
                        managers[i].name);
    examine_legacy(d);
    if (json_array_size(d->findings) == before)
        doctor_saw(d, "nobody else writes rules");
    else
        doctor_saw(d, "others write rules, too");
}

/* --- clock --- */

/* Files are not written in the future: a day is more than any time zone is wrong by. */
static void examine_behind(struct doctor *d, time_t now) {
    static const struct complaint behind = {
        LEVEL_PROBLEM, "clock-behind",
        "the history of changes, the age of names and the journal have its time, and certificates "
        "fail"
    };
    struct stat st;
    char text[32];
    struct tm tm;

    if (stat(d->site, &st) < 0 || st.st_mtim.tv_sec <= now + 86400 ||
        !localtime_r(&st.st_mtim.tv_sec, &tm))
        return;
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
    doctor_find(d, &behind, "timedatectl status", "the clock is behind: %s was written on %s",
                d->site, text);
}

void examine_clock(struct doctor *d) {
    static const struct complaint adrift = {
        LEVEL_NOTE, "clock-unsynchronised",
        "the history of changes, the age of names and the journal have its time"
    };
    time_t now = time(NULL);
    struct timex timex = { 0 };
    bool is_adrift = doctor_is_here(d) && adjtimex(&timex) == TIME_ERROR;
    char text[32] = "?";
    struct tm tm;

    if (gmtime_r(&now, &tm))
        strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
    doctor_saw(d, "%s%s", text,
               !doctor_is_here(d) ? ""
               : is_adrift        ? ", not synchronised"
                                  : ", synchronised");
    if (is_adrift)
        doctor_find(d, &adrift,
                    "timedatectl timesync-status, or chronyc tracking; the row host-baseline/ntp "
                    "opens the way to peer time-servers",
                    "no time server keeps the clock");
    examine_behind(d, now);
}
