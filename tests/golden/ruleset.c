/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the ruleset of one host as text: the engine's part of the way, without a kernel. */
#include "engine/text.h"
#include "host.h"

#include <stdio.h>

int main(int argc, char **argv) {
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    _cleanup_(freep) char *text = NULL;
    struct report mistakes = REPORT_INIT;
    int r;

    if (argc != 4) {
        fprintf(stderr, "usage: %s SITE POLICY-DIR HOST\n", argv[0]);
        return 2;
    }
    r = host_ruleset(argv[1], argv[2], argv[3], &rules, &mistakes);
    report_print(&mistakes, stderr);
    report_clear(&mistakes);
    if (r == 0)
        text = ruleset_text(rules);
    if (!text)
        return 1;
    fputs(text, stdout);
    return 0;
}
