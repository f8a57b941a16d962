/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The question is parsed here even when the daemon answers it, so that a mistake in it is a
 * mistake of usage, with and without a daemon. */
#include "client.h"
#include "failure.h"
#include "offline.h"
#include "print.h"
#include "question.h"
#include "screen.h"

#include "varlink/interface.h"

static enum status ask_files(const struct options *o, const struct query *q, json_t **ret) {
    _cleanup_(ruleset_freep) struct ruleset *rules = NULL;
    _cleanup_(intent_freep) struct intent *intent = NULL;
    _cleanup_(loaded_clear) struct loaded l = { 0 };
    enum status status;

    status = offline_load(o, true, &l);
    if (status == STATUS_FINE)
        status = offline_intent(o, &l, &intent);
    if (status != STATUS_FINE)
        return status;
    if (policy_compile(intent, NULL, &rules) < 0)
        return failure_memory();
    *ret = json_pack("{so}", "explanation", explain_json(intent, rules, q));
    if (!*ret)
        return failure_memory();
    if (!o->json)
        screen_make_safe(*ret);
    return STATUS_FINE;
}

enum status verb_explain(const struct options *o, const char *const *words, size_t n_words) {
    json_t *answer = NULL;
    enum status status;
    struct query q;

    if (!o->offline && (o->given & OPTION_FILES)) {
        fprintf(stderr, "portd-ctl: --site, --policy-dir and --host go with --offline: the daemon "
                        "answers for the files it loaded\n");
        return STATUS_USAGE;
    }
    if (o->offline && o->remote) {
        fprintf(stderr, "portd-ctl: --offline and --remote exclude each other: files are read on "
                        "this host\n");
        return STATUS_USAGE;
    }
    status = question_parse("explain", words, n_words, &q);
    if (status == STATUS_FINE)
        status = o->offline ? ask_files(o, &q, &answer)
                            : client_ask(o, INTERFACE_PORTD ".Explain", question_json(&q), &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_explanation(json_object_get(answer, "explanation"));
    json_decref(answer);
    return STATUS_FINE;
}
