/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of verbs: dispatch, --help, completion and the tests of the manual go by it. */
#include "verbs.h"

#include "base/macros.h"
#include "engine/name.h"

#include <stdint.h>
#include <string.h>

#define DAEMON (OPTION_JSON | OPTION_SOCKET | OPTION_REMOTE)

static const struct verb verbs[] = {
    { "status", "", "What portd enforces on this host, and what happened", "portd-ctl status", 0, 0,
      DAEMON, verb_status },
    { "flows", "[FLOW]...", "Every row of every product in use, and what it opens here",
      "portd-ctl flows jtel-acd/rest site", 0, SIZE_MAX, DAEMON | OPTION_LISTEN | OPTION_UNUSED,
      verb_flows },
    { "names", "", "The DNS names that rows need, their addresses and how old these are",
      "portd-ctl names", 0, 0, DAEMON, verb_names },
    { "metrics", "", "Hits, denied packets, drifts and state for Prometheus and its like",
      "portd-ctl metrics --output /var/lib/prometheus/node-exporter/portd.prom", 0, 0,
      DAEMON | OPTION_EXPOSITION | OPTION_OUTPUT, verb_metrics },
    { "matrix", "[PRODUCT]", "The vendors' port tables; with a site, who may reach whom there",
      "portd-ctl matrix --site ./site.json --format html >ports.html", 0, 1,
      OPTION_JSON | OPTION_FORMAT | OPTION_POLICY_DIR | OPTION_AT_SITE | OPTION_AT_HOST,
      verb_matrix },
    { "explain", "in|out SERVICE [from|to] ADDRESS",
      "Whether this host lets a connection pass, and why",
      "portd-ctl explain in tcp/3306 from 10.20.0.9", 3, 4, DAEMON | OPTION_OFFLINE | OPTION_FILES,
      verb_explain },
    { "check", "", "Every mistake of the site file and the policies, before a reload",
      "portd-ctl check --site ./site.json --host acd-lb1", 0, 0, OPTION_JSON | OPTION_FILES,
      verb_check },
    { "init", "PRODUCT...", "Begin a site file: what the products ask of it, blanks to fill in",
      "portd-ctl init jtel-acd --host acd-lb1=ACD-LB --host acd-jb1=ACD-JB --site ./site.json", 1,
      SIZE_MAX, OPTION_JSON | OPTION_POLICY_DIR | OPTION_NEW_SITE | OPTION_NEW_HOSTS, verb_init },
    { "ruleset", "", "What the files mean for a host, in nft's own words",
      "portd-ctl ruleset --site ./site.json --host acd-lb1", 0, 0, OPTION_JSON | OPTION_FILES,
      verb_ruleset },
    { "denied", "", "What was denied here, or would be, how often, and why",
      "portd-ctl denied --since 1h", 0, 0, DAEMON | OPTION_SINCE | OPTION_WOULD | OPTION_FOLLOW,
      verb_denied },
    { "diff", "", "What the kernel has otherwise than the policy in force says", "portd-ctl diff",
      0, 0, DAEMON, verb_diff },
    { "drift", "", "What others changed, who it was, and how long it lasted", "portd-ctl drift", 0,
      0, DAEMON | OPTION_VERIFY, verb_drift },
    { "audit", "", "What others have that goes around the policy or stands in its way",
      "portd-ctl audit", 0, 0, DAEMON, verb_audit },
    { "doctor", "", "Whether this installation is as it should be, and what to do where it is not",
      "portd-ctl doctor", 0, 0, OPTION_JSON | OPTION_SOCKET | OPTION_FILES | OPTION_ROOT,
      verb_doctor },
    { "plan", "", "What a reload would open, close and cut; nothing is changed",
      "portd-ctl plan --all-hosts --site ./site.json", 0, 0,
      DAEMON | OPTION_OFFLINE | OPTION_FILES | OPTION_AGAINST | OPTION_ALL_HOSTS, verb_plan },
    { "reload", "", "Load the files anew and put them in force, or refuse them whole",
      "portd-ctl reload --reason=\"new telephony server\"", 0, 0,
      DAEMON | OPTION_REASON | OPTION_UPDATE | OPTION_FORCE | OPTION_CONFIRM, verb_reload },
    { "confirm", "", "What was reloaded with --confirm stays", "portd-ctl confirm", 0, 0, DAEMON,
      verb_confirm },
    { "rollback", "[GENERATION]",
      "Go back to what was in force before, or to an earlier generation, whatever the files say",
      "portd-ctl rollback 12 --reason=\"telephony is down\"", 0, 1, DAEMON | OPTION_REASON,
      verb_rollback },
    { "generations", "", "What was in force of late: who loaded it, when, why, what it changed",
      "portd-ctl generations", 0, 0, DAEMON, verb_generations },
    { "off", "", "Remove portd's table and stop enforcing", "portd-ctl off --yes", 0, 0,
      DAEMON | OPTION_REASON | OPTION_YES, verb_off },
    { "grant", "in|out SERVICE [from|to] ADDRESS",
      "Open a port beside the policy for a while; the kernel closes it, with or without portd",
      "portd-ctl grant in tcp/22 from 198.51.100.7 --for 30m --reason=\"the vendor looks at it\"",
      3, 4, DAEMON | OPTION_DURATION | OPTION_REASON, verb_grant },
    { "grants", "", "What is granted, until when, by whom and why", "portd-ctl grants", 0, 0,
      DAEMON, verb_grants },
    { "revoke", "in|out SERVICE [from|to] ADDRESS", "End a grant before its time",
      "portd-ctl revoke in tcp/22 from 198.51.100.7", 3, 4, DAEMON, verb_revoke },
    { "unseal", "", "Let others write to portd's table for a while; what they change stays so long",
      "portd-ctl unseal --for 10m --reason=\"the switch is being replaced\"", 0, 0,
      DAEMON | OPTION_DURATION | OPTION_REASON, verb_unseal },
    { "seal", "", "Seal an unsealed table at once, and repair it", "portd-ctl seal", 0, 0, DAEMON,
      verb_seal },
    { "watch", "", "Tell what happens, a line an event, until interrupted", "portd-ctl watch", 0, 0,
      DAEMON, verb_watch },
    { "__complete", "WORD...", NULL, NULL, 1, SIZE_MAX, 0, verb_complete },
    { "bridge", "", NULL, NULL, 0, 0, OPTION_SOCKET, verb_bridge },
};

const struct verb *verb_next(const struct verb *v) {
    if (!v)
        return verbs;
    return v + 1 < verbs + ARRAY_SIZE(verbs) ? v + 1 : NULL;
}

const struct verb *verb_find(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* Who stops typing early means the only verb that begins so, however near another one is. */
static const char *verb_begun(const char *name) {
    const char *found = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
        if (verb_is_hidden(&verbs[i]) || strncmp(verbs[i].name, name, strlen(name)) != 0)
            continue;
        if (found)
            return NULL;
        found = verbs[i].name;
    }
    return found;
}

const char *verb_nearest(const char *name) {
    const char *items[ARRAY_SIZE(verbs)], *begun = verb_begun(name);
    struct names names = { .items = items };

    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (!verb_is_hidden(&verbs[i]))
            items[names.n++] = verbs[i].name;
    names_sort(&names);
    return begun ? begun : names_nearest(&names, name);
}
