/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The same loader and engine as the daemon's, run with the rights of whoever asks. */
#include "offline.h"

#include "failure.h"

#include <limits.h>
#include <string.h>

/* Says what is wrong with the files and clears the report. */
static enum status offline_outcome(const struct options *o, int r, struct report *report) {
    enum status status = STATUS_FINE;

    if (r < 0)
        status = failure_memory();
    else if (r > 0)
        status = failure_report(o, report);
    report_clear(report);
    return status;
}

enum status offline_load(const struct options *o, bool with_site, struct loaded *ret) {
    static const char *const shipped[] = FILES_POLICY_DIRS;
    const char *const *dirs = o->policy_dirs.n ? o->policy_dirs.items : shipped;
    size_t n = o->policy_dirs.n ? o->policy_dirs.n : ARRAY_SIZE(shipped);
    struct report report = REPORT_INIT;
    int r;

    r = files_load(with_site ? o->site : NULL, dirs, n, NULL, ret, &report);
    return offline_outcome(o, r, &report);
}

enum status offline_intent(const struct options *o, const struct loaded *l, struct intent **ret) {
    char full[HOST_NAME_MAX + 1] = "", brief[HOST_NAME_MAX + 1];
    const char *names[] = { o->host ? o->host : full, brief };
    struct report report = REPORT_INIT;
    int r;

    if (!o->host && gethostname(full, sizeof(full)) < 0)
        return failure_memory();
    memcpy(brief, full, sizeof(brief));
    brief[strcspn(brief, ".")] = '\0';
    r = intent_resolve(loaded_policies(l), l->n_policies, l->site, names,
                       o->host || strcmp(full, brief) == 0 ? 1 : 2, ret, &report);
    return offline_outcome(o, r, &report);
}
