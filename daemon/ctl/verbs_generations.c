/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs of who tries a change, and of who goes back. */
#include "change.h"
#include "client.h"
#include "failure.h"
#include "print.h"
#include "screen.h"
#include "varlink/interface.h"
#include "when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum status verb_confirm(const struct options *o, const char *const *words _unused_,
                         size_t n_words _unused_) {
    json_t *answer;
    enum status status = client_ask(o, INTERFACE_PORTD ".Confirm", json_object(), &answer);

    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        printf("confirmed: what is in force stays\n");
    json_decref(answer);
    return STATUS_FINE;
}

static void print_rolled_back(json_t *answer) {
    printf("in force: generation %lld, the files of generation %lld; what is on disk now is not "
           "loaded\nbefore the next portd-ctl reload\n",
           (long long)json_integer_value(json_object_get(answer, "generation")),
           (long long)json_integer_value(json_object_get(answer, "restores")));
    print_flow_changes("opened", json_object_get(answer, "opened"));
    print_flow_changes("closed", json_object_get(answer, "closed"));
}

static bool number_parse(const char *word, json_int_t *ret) {
    char *end;

    errno = 0;
    *ret = strtoll(word, &end, 10);
    return errno == 0 && !*end && *word >= '0' && *word <= '9' && *ret > 0;
}

enum status verb_rollback(const struct options *o, const char *const *words, size_t n_words) {
    json_t *answer = reason_parameters(o);
    json_int_t number = 0;
    enum status status;

    if (n_words > 0 && !number_parse(words[0], &number)) {
        json_decref(answer);
        fprintf(stderr,
                "portd-ctl: \"%s\" is no generation; those that are kept: portd-ctl generations\n",
                words[0]);
        return STATUS_USAGE;
    }
    if (number && json_object_set_new(answer, "generation", json_integer(number)) < 0)
        return failure_memory();
    status = client_ask(o, INTERFACE_PORTD ".Rollback", answer, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_rolled_back(answer);
    json_decref(answer);
    return STATUS_FINE;
}

static void print_generation(json_t *g, bool is_current) {
    json_t *restores = json_object_get(g, "restores");
    const char *reason = member_text(g, "reason");
    char buf[WHEN_TEXT_MAX];

    printf("%s %lld  %s  %s", is_current ? screen_marks()->bullet : " ",
           (long long)json_integer_value(json_object_get(g, "generation")),
           when_format(member_text(g, "time"), time(NULL), buf), member_text(g, "by"));
    if (restores)
        printf("  as generation %lld", (long long)json_integer_value(restores));
    printf("%s%s\n", *reason ? ": " : "", reason);
    printf("    ingress %s%segress %s\n", member_text(g, "ingress"), screen_marks()->separator,
           member_text(g, "egress"));
    print_flow_changes("  opened", json_object_get(g, "opened"));
    print_flow_changes("  closed", json_object_get(g, "closed"));
}

static void print_generations(json_t *answer) {
    json_t *current = json_object_get(answer, "current");
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(answer, "generations"), i, one)
        print_generation(one, json_equal(json_object_get(one, "generation"), current));
}

enum status verb_generations(const struct options *o, const char *const *words _unused_,
                             size_t n_words _unused_) {
    json_t *answer;
    enum status status = client_ask(o, INTERFACE_PORTD ".Generations", json_object(), &answer);

    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_generations(answer);
    json_decref(answer);
    return STATUS_FINE;
}
