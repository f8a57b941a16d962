/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings the ruleset of one host into the kernel of this network namespace, reads it back and
 * compares: portd's own way there, for nft to list. */
#include "daemon/reconcile.h"
#include "host.h"

#include <stdio.h>

static int apply(const struct ruleset *rules, struct report *reterr) {
    _cleanup_(kernel_freep) struct kernel *k = NULL;
    struct reconciled done = { 0 };
    int r;

    r = kernel_open(-1, &k, reterr);
    if (r != 0)
        return r;
    r = reconcile(k, rules, NULL, &done, reterr);
    reconciled_clear(&done);
    return r;
}

int main(int argc, char **argv) {
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    struct report mistakes = REPORT_INIT;
    int r;

    if (argc != 4) {
        fprintf(stderr, "usage: %s SITE POLICY-DIR HOST\n", argv[0]);
        return 2;
    }
    r = host_ruleset(argv[1], argv[2], argv[3], &rules, &mistakes);
    if (r == 0)
        r = apply(rules, &mistakes);
    report_print(&mistakes, stderr);
    report_clear(&mistakes);
    if (r != 0)
        fprintf(stderr, "%s: failed (%d)\n", argv[0], r);
    return r == 0 ? 0 : 1;
}
