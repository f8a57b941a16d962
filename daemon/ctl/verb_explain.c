/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The question is parsed here even when the daemon answers it, so that a mistake in it is a
 * mistake of usage, with and without a daemon. */
#include "client.h"
#include "failure.h"
#include "offline.h"
#include "print.h"
#include "screen.h"

#include "engine/explain.h"
#include "varlink/interface.h"

#include <string.h>

/* A "from" or "to" before the address, for those who read it aloud. */
static const char *address_word(const char *const *words, size_t n) {
    if (n == 3)
        return words[2];
    return strcmp(words[2], "from") == 0 || strcmp(words[2], "to") == 0 ? words[3] : NULL;
}

static enum status parse(const char *const *words, size_t n, struct query *ret) {
    const char *address = address_word(words, n);
    _cleanup_(freep) char *text = NULL;
    int r;

    if (!address) {
        fprintf(stderr, "portd-ctl: \"%s\" is neither \"from\" nor \"to\"\n", words[2]);
        return STATUS_USAGE;
    }
    r = query_parse(words[0], words[1], address, ret, &text);
    if (r < 0)
        return failure_memory();
    if (r == 0)
        return STATUS_FINE;
    fprintf(stderr, "portd-ctl: %s\n  try: portd-ctl explain --help\n", text);
    return STATUS_USAGE;
}

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

static enum status ask_daemon(const struct options *o, const struct query *q, json_t **ret) {
    char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];

    return client_ask(o, INTERFACE_PORTD ".Explain",
                      json_pack("{ssssss}", "direction", direction_name(q->direction), "service",
                                service_format(&q->service, service), "address",
                                address_format(&q->other, q->family, address)),
                      ret);
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
    status = parse(words, n_words, &q);
    if (status == STATUS_FINE)
        status = o->offline ? ask_files(o, &q, &answer) : ask_daemon(o, &q, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_explanation(json_object_get(answer, "explanation"));
    json_decref(answer);
    return STATUS_FINE;
}
