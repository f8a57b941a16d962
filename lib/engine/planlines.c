/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A plan in sentences. The same difference reads two ways: what somebody did to the table (drift:
 * what the plan adds was deleted), and what applying the plan will do. */
#include "engine/text.h"

#include "base/quote.h"

#include <stdio.h>

/* How many elements a line spells out. */
#define ELEMENTS_SHOWN 5U

/* "VERB WHAT PREPOSITION WHERE": add rule "x" to in_tcp_22; rule "x" deleted from in_tcp_22. */
struct phrase {
    const char *does, *was; /* before the subject, of the plan and of the drift */
    const char *at;         /* between a rule and its chain, as the plan does it … */
    const char *was_at;     /* … and as it was done */
};

static const struct phrase phrases[] = {
    [PLAN_TABLE_DELETE] = { "delete the table", "the table was added", NULL, NULL },
    [PLAN_TABLE_ADD] = { "add the table", "the table was deleted", NULL, NULL },
    [PLAN_TABLE_CLAIM] = { "seal the table", "the table lost its seal", NULL, NULL },
    [PLAN_TABLE_FLAGS] = { "wake the table", "the table was put to sleep (dormant)", NULL, NULL },
    [PLAN_CHAIN_FLUSH] = { "flush chain", "rules were added to chain", NULL, NULL },
    [PLAN_RULE_DELETE] = { "delete rule", "rule", "from", "added to" },
    [PLAN_ELEMENTS_DELETE] = { "delete from", "elements were added to", NULL, NULL },
    [PLAN_SET_DELETE] = { "delete set", "not portd's: set", NULL, NULL },
    [PLAN_CHAIN_DELETE] = { "delete chain", "not portd's: chain", NULL, NULL },
    [PLAN_COUNTER_DELETE] = { "delete object", "not portd's: object", NULL, NULL },
    [PLAN_CHAIN_ADD] = { "add chain", "deleted: chain", NULL, NULL },
    [PLAN_CHAIN_POLICY] = { "set the policy of chain", "the policy was changed of chain", NULL,
                            NULL },
    [PLAN_COUNTER_ADD] = { "add counter", "deleted: counter", NULL, NULL },
    [PLAN_SET_ADD] = { "add set", "deleted: set", NULL, NULL },
    [PLAN_ELEMENTS_ADD] = { "add to", "elements were deleted from", NULL, NULL },
    [PLAN_RULE_ADD] = { "add rule", "rule", "to", "deleted from" },
};
static_assert(ARRAY_SIZE(phrases) == PLAN_OP_MAX, "a plan operation has no phrase");

static void write_rule_words(FILE *f, const struct plan_op *op, bool is_drift) {
    const struct phrase *p = &phrases[op->type];
    _cleanup_(freep) char *text = rule_text(op->rule);

    if (op->rule->comment)
        fprintf(f, " \"%s\"", op->rule->comment);
    fprintf(f, " %s %s", is_drift ? p->was_at : p->at, op->chain->name);
    if (text)
        fprintf(f, ": %s", text);
}

static void write_elements_words(FILE *f, const struct plan_op *op) {
    for (size_t i = 0; i < op->n_elements && i < ELEMENTS_SHOWN; i++) {
        _cleanup_(freep) char *text = element_text(op->elements[i], op->set);

        fprintf(f, "%s%s", i ? ", " : ": ", text ? text : "?");
    }
    if (op->n_elements > ELEMENTS_SHOWN)
        fprintf(f, " and %zu more", op->n_elements - ELEMENTS_SHOWN);
}

/* Names that somebody else gave may be any bytes: escaped, since lines go to terminals, JSON and
 * the journal. */
static char *op_line(const struct plan_op *op, bool is_drift) {
    _cleanup_(freep) char *line = NULL;
    size_t size;
    FILE *f = open_memstream(&line, &size);

    if (!f)
        return NULL;
    fputs(is_drift ? phrases[op->type].was : phrases[op->type].does, f);
    if (op->rule)
        write_rule_words(f, op, is_drift);
    else if (plan_op_subject(op))
        fprintf(f, " %s", plan_op_subject(op));
    if (op->n_elements)
        write_elements_words(f, op);
    return fclose(f) == 0 ? text_escape(line) : NULL;
}

/* When the table itself is gone, so is all in it: one line says so. One that somebody else made
 * in its place was told with it. */
static bool is_implied(const struct plan *p, size_t i) {
    bool is_remade = p->n_ops > 1 && p->ops[1].type == PLAN_TABLE_ADD;

    return is_remade ? i != 1 : i > 0 && p->ops[0].type == PLAN_TABLE_ADD;
}

char **plan_lines(const struct plan *p, bool is_drift, size_t *ret_n) {
    _cleanup_(lines_freep) char **lines = calloc(p->n_ops + 1, sizeof(*lines));
    size_t n = 0;

    if (!lines)
        return NULL;
    for (size_t i = 0; i < p->n_ops; i++) {
        if (is_drift && is_implied(p, i))
            continue;
        lines[n] = op_line(&p->ops[i], is_drift);
        if (!lines[n])
            return NULL;
        n++;
    }
    *ret_n = n;
    return TAKE_PTR(lines);
}

char **lines_free(char **lines) {
    for (size_t i = 0; lines && lines[i]; i++)
        free(lines[i]);
    free((void *)lines);
    return NULL;
}
