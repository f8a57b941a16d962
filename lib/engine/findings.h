/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_ENGINE_FINDINGS_H
#define PORTD_ENGINE_FINDINGS_H

#include "base/macros.h"
#include "engine/audit.h"
#include "engine/probe.h"

/* Gathers findings: one for each thing that does something, with all the flows that it does it to.
 */

/* What a finding is about. */
struct finding_key {
    enum finding_code code;
    const struct foreign_chain *chain, *base; /* where, and the base chain that leads there */
    const struct foreign_rule *rule;          /* NULL: the chain's policy */
    enum foreign_action action;
    const struct foreign_table *table;   /* OTHER_PORTD, HOSTILE */
    const struct foreign_legacy *legacy; /* LEGACY */
    bool is_certain;
};

struct findings {
    struct audit *audit;
    const struct intent *intent;
    struct finding_key *keys; /* by index of the finding */
    size_t n_keys;
    bool **flows; /* by index of the finding, then of the flow */
    size_t n_flows;
    bool **services; /* likewise, of the services of all flows that are opened towards this host */
    size_t n_services;
    size_t *first_service; /* of a flow, by its index; behind the last how many there are */
    size_t last;           /* the finding that was added to last */
    bool is_full;
    int error;
};

int findings_begin(struct findings *f, const struct intent *in);
/* `probe` says which flow; NULL: none. What is certain of a flow isn't told as possible, too. */
void findings_add(struct findings *f, const struct finding_key *key, const struct probe *probe);
/* Something that could not be judged. */
void findings_blind(struct findings *f, const char *format, ...) _printf_(2, 3);
/* Writes the texts and hands out the audit, or lets it go when `r` or what was added failed. */
int findings_end(struct findings *f, int r, struct audit **ret);

#endif
