/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portd-ctl: asks the daemon, or the files where no daemon is needed. */
#include "options.h"

#include "base/macros.h"

#include <locale.h>
#include <stdint.h>
#include <string.h>

#define DAEMON (OPTION_JSON | OPTION_SOCKET)

static const struct verb verbs[] = {
    { "status", "", "What portd enforces on this host, and what happened", "portd-ctl status", 0, 0,
      DAEMON, verb_status },
    { "flows", "", "Every row of every product in use, and what it opens here", "portd-ctl flows",
      0, 0, DAEMON, verb_flows },
    { "names", "", "The DNS names that rows need, their addresses and how old these are",
      "portd-ctl names", 0, 0, DAEMON, verb_names },
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
    { "diff", "", "What the kernel has otherwise than the policy in force says", "portd-ctl diff",
      0, 0, DAEMON, verb_diff },
    { "drift", "", "What others changed, who it was, and how long it lasted", "portd-ctl drift", 0,
      0, DAEMON | OPTION_VERIFY, verb_drift },
    { "audit", "", "What others have that goes around the policy or stands in its way",
      "portd-ctl audit", 0, 0, DAEMON, verb_audit },
    { "reload", "", "Load the files anew and put them in force, or refuse them whole",
      "portd-ctl reload --reason=\"new telephony server\"", 0, 0, DAEMON | OPTION_REASON,
      verb_reload },
    { "off", "", "Remove portd's table and stop enforcing", "portd-ctl off --yes", 0, 0,
      DAEMON | OPTION_REASON | OPTION_YES, verb_off },
    { "unseal", "", "Let others write to portd's table for a while; what they change stays so long",
      "portd-ctl unseal --for 10m --reason=\"the switch is being replaced\"", 0, 0,
      DAEMON | OPTION_DURATION | OPTION_REASON, verb_unseal },
    { "seal", "", "Seal an unsealed table at once, and repair it", "portd-ctl seal", 0, 0, DAEMON,
      verb_seal },
    { "watch", "", "Tell what happens, a line an event, until interrupted", "portd-ctl watch", 0, 0,
      DAEMON, verb_watch },
};

static enum status print_overview(FILE *f) {
    fprintf(f, "portd-ctl VERB [OPTION]...\n\n"
               "Ask portd what it enforces on this host, and why.\n\n");
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        fprintf(f, "  %-9s %s\n", verbs[i].name, verbs[i].summary);
    fprintf(
        f,
        "\nportd-ctl VERB --help says more of a verb.\n"
        "Exit status: 0 fine, 1 failed or refused, 2 usage, 3 portd runs but is degraded,\n"
        "contested, auditing or off (diff: the kernel differs; audit: there is something), 4 no\n"
        "daemon.\n");
    return STATUS_FINE;
}

static enum status print_help(const struct verb *v) {
    printf("portd-ctl %s%s%s [OPTION]...\n\n%s.\n\n", v->name, *v->arguments ? " " : "",
           v->arguments, v->summary);
    options_help(v->options, stdout);
    printf("\nExample: %s\n", v->example);
    return STATUS_FINE;
}

static const struct verb *verb_find(const char *name) {
    for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

static enum status verb_run(const struct verb *v, const struct options *o) {
    const char *stranger = options_stranger(o, v->options);
    size_t n = o->n_words - 1;

    if (o->help)
        return print_help(v);
    if (stranger || n < v->min || n > v->max) {
        if (stranger)
            fprintf(stderr, "portd-ctl: %s takes no --%s\n", v->name, stranger);
        else
            fprintf(stderr, "portd-ctl: usage: portd-ctl %s%s%s\n", v->name,
                    *v->arguments ? " " : "", v->arguments);
        fprintf(stderr, "  try: portd-ctl %s --help\n", v->name);
        return STATUS_USAGE;
    }
    return v->handler(o, o->words + 1, n);
}

static enum status run(const struct options *o) {
    const struct verb *v;

    if (o->version) {
        printf("portd-ctl %s\n", PORTD_VERSION);
        return STATUS_FINE;
    }
    if (o->n_words == 0 && o->help)
        return print_overview(stdout);
    if (o->n_words == 0) {
        print_overview(stderr);
        return STATUS_USAGE;
    }
    v = verb_find(o->words[0]);
    if (v)
        return verb_run(v, o);
    fprintf(stderr, "portd-ctl: there is no verb \"%s\": portd-ctl --help lists them\n",
            o->words[0]);
    return STATUS_USAGE;
}

int main(int argc, char **argv) {
    struct options o;
    enum status status;

    setlocale(LC_ALL, "");
    setlocale(LC_NUMERIC, "C"); /* numbers read the same everywhere */
    status = options_parse(argc, argv, &o);
    if (status != STATUS_FINE)
        return status;
    status = run(&o);
    options_clear(&o);
    if (fflush(stdout) != 0 && status == STATUS_FINE)
        status = STATUS_FAILED;
    return status;
}
