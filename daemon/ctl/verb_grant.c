/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Openings beside the policy that end by themselves. */
#include "client.h"
#include "failure.h"
#include "print.h"
#include "question.h"
#include "when.h"

#include "engine/grant.h"
#include "varlink/interface.h"

#include <stdio.h>

static enum status refuse(const char *text, const char *verb) {
    fprintf(stderr, "portd-ctl: %s\n  try: portd-ctl %s --help\n", text, verb);
    return STATUS_USAGE;
}

static enum status parse(const char *verb, const char *const *words, size_t n_words,
                         struct query *ret) {
    enum status status = question_parse(verb, words, n_words, ret);

    if (status == STATUS_FINE && grant_fault(ret))
        return refuse(grant_fault(ret), verb);
    return status;
}

static enum status answered(const struct options *o, json_t *answer, void (*print)(json_t *)) {
    if (o->json)
        print_json(answer, false);
    else
        print(answer);
    json_decref(answer);
    return STATUS_FINE;
}

static void print_granted(json_t *answer) {
    json_t *grants = json_pack("[O]", json_object_get(answer, "grant"));

    print_grants(grants);
    json_decref(grants);
    printf("the kernel ends it, also when portd doesn't run; to end it before: portd-ctl revoke\n");
}

enum status verb_grant(const struct options *o, const char *const *words, size_t n_words) {
    long seconds = o->duration ? when_seconds(o->duration) : 0;
    json_t *question, *answer;
    enum status status;
    struct query q;

    status = parse("grant", words, n_words, &q);
    if (status != STATUS_FINE)
        return status;
    if (seconds < GRANT_SECONDS_MIN || seconds > GRANT_SECONDS_MAX)
        return refuse("a grant wants to know for how long: --for 30m, from 5s to 24h", "grant");
    if (grant_reason_fault(o->reason))
        return refuse(grant_reason_fault(o->reason), "grant");
    question = question_json(&q);
    if (!question || json_object_set_new(question, "seconds", json_integer(seconds)) < 0 ||
        json_object_set_new(question, "reason", json_string(o->reason)) < 0)
        return failure_memory();
    status = client_ask(o, INTERFACE_PORTD ".Grant", question, &answer);
    return status == STATUS_FINE ? answered(o, answer, print_granted) : status;
}

static void print_list(json_t *answer) {
    json_t *grants = json_object_get(answer, "grants");

    if (json_array_size(grants) == 0)
        printf("nothing is granted\n");
    print_grants(grants);
}

enum status verb_grants(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    json_t *answer;
    enum status status = client_ask(o, INTERFACE_PORTD ".Grants", json_object(), &answer);

    return status == STATUS_FINE ? answered(o, answer, print_list) : status;
}

static void print_revoked(json_t *answer _unused_) {
    printf("it is granted no longer\n");
}

enum status verb_revoke(const struct options *o, const char *const *words, size_t n_words) {
    enum status status;
    json_t *answer;
    struct query q;

    status = parse("revoke", words, n_words, &q);
    if (status == STATUS_FINE)
        status = client_ask(o, INTERFACE_PORTD ".Revoke", question_json(&q), &answer);
    return status == STATUS_FINE ? answered(o, answer, print_revoked) : status;
}
