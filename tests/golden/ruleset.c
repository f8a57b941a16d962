/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the ruleset of one host as text: the engine's part of the way, without a kernel. */
#include "engine/intent.h"
#include "engine/text.h"
#include "files/files.h"

#include <stdio.h>

static int print_ruleset(const struct loaded *loaded, const char *host, struct report *mistakes) {
    _cleanup_(intent_freep) struct intent *intent = NULL;
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    _cleanup_(freep) char *text = NULL;
    int r;

    r = intent_resolve(loaded_policies(loaded), loaded->n_policies, loaded->site, &host, 1, &intent,
                       mistakes);
    if (r != 0)
        return r;
    r = policy_compile(intent, &rules);
    if (r != 0)
        return r;
    text = ruleset_text(rules);
    if (!text)
        return -1;
    fputs(text, stdout);
    return 0;
}

int main(int argc, char **argv) {
    struct report mistakes = REPORT_INIT;
    struct loaded loaded = { 0 };
    int r;

    if (argc != 4) {
        fprintf(stderr, "usage: %s SITE POLICY-DIR HOST\n", argv[0]);
        return 2;
    }
    r = files_load(argv[1], (const char *const[]){ argv[2] }, 1, NULL, &loaded, &mistakes);
    if (r == 0)
        r = print_ruleset(&loaded, argv[3], &mistakes);
    report_print(&mistakes, stderr);
    report_clear(&mistakes);
    loaded_clear(&loaded);
    return r == 0 ? 0 : 1;
}
