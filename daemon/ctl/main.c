/* SPDX-License-Identifier: GPL-2.0-or-later */
/* portd-ctl: asks the daemon, or the files where no daemon is needed. */
#include "options.h"
#include "remote.h"
#include "verbs.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>

static enum status print_overview(FILE *f) {
    fprintf(f, "portd-ctl VERB [OPTION]...\n\n"
               "Ask portd what it enforces on this host, and why.\n\n");
    for (const struct verb *v = verb_next(NULL); v; v = verb_next(v))
        if (!verb_is_hidden(v))
            fprintf(f, "  %-9s %s\n", v->name, v->summary);
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
           v->arguments, verb_is_hidden(v) ? "For programs" : v->summary);
    options_help(v->options, stdout);
    if (!verb_is_hidden(v))
        printf("\nExample: %s\n", v->example);
    return STATUS_FINE;
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
    if (o->remote && !remote_is_host(o->remote))
        return STATUS_USAGE;
    return v->handler(o, o->words + 1, n);
}

static enum status no_verb(const char *name) {
    const char *nearest = verb_nearest(name);

    if (nearest)
        fprintf(stderr, "portd-ctl: there is no verb \"%s\"; did you mean \"%s\"?\n", name,
                nearest);
    else
        fprintf(stderr, "portd-ctl: there is no verb \"%s\"\n", name);
    fprintf(stderr, "  try: portd-ctl --help\n");
    return STATUS_USAGE;
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
    return v ? verb_run(v, o) : no_verb(o->words[0]);
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
