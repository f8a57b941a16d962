/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that ask the daemon and change nothing. */
#include "client.h"
#include "failure.h"
#include "print.h"
#include "screen.h"
#include "varlink/interface.h"

#include <string.h>

/* Asks a method without parameters. */
static enum status ask(const struct options *o, const char *method, json_t **ret) {
    enum status status;

    status = client_ask(o, method, json_object(), ret);
    if (status == STATUS_FINE && o->json)
        print_json(*ret, false);
    return status;
}

/* A starting daemon that learns is as it should be. */
static bool is_as_it_should_be(json_t *answer) {
    const char *state = member_text(answer, "state");

    return strcmp(state, "enforcing") == 0 || strcmp(state, "learning") == 0;
}

enum status verb_status(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    enum status status;
    json_t *answer;

    status = ask(o, INTERFACE_PORTD ".Status", &answer);
    if (status != STATUS_FINE)
        return status;
    if (!o->json)
        print_status(answer);
    status = is_as_it_should_be(answer) ? STATUS_FINE : STATUS_ODD;
    json_decref(answer);
    return status;
}

enum status verb_names(const struct options *o, const char *const *words _unused_,
                       size_t n_words _unused_) {
    enum status status;
    json_t *answer, *names;

    status = ask(o, INTERFACE_PORTD ".Names", &answer);
    if (status != STATUS_FINE)
        return status;
    names = json_object_get(answer, "names");
    if (!o->json && json_array_size(names) == 0)
        printf("no flow of this host needs a DNS name\n");
    else if (!o->json)
        print_names(names);
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_diff(const struct options *o, const char *const *words _unused_,
                      size_t n_words _unused_) {
    enum status status;
    json_t *answer, *lines;

    status = ask(o, INTERFACE_PORTD ".Diff", &answer);
    if (status != STATUS_FINE)
        return status;
    lines = json_object_get(answer, "lines");
    if (!o->json && json_array_size(lines) == 0)
        printf("in sync: the kernel holds the policy in force\n");
    else if (!o->json)
        print_lines(lines, "");
    status = json_array_size(lines) == 0 ? STATUS_FINE : STATUS_ODD;
    json_decref(answer);
    return status;
}

static enum status verify_history(const struct options *o) {
    enum status status;
    json_t *answer;

    status = ask(o, INTERFACE_PORTD ".VerifyHistory", &answer);
    if (status != STATUS_FINE)
        return status;
    if (!o->json)
        print_verification(answer);
    status = json_is_true(json_object_get(answer, "intact")) ? STATUS_FINE : STATUS_ODD;
    json_decref(answer);
    return status;
}

enum status verb_drift(const struct options *o, const char *const *words _unused_,
                       size_t n_words _unused_) {
    enum status status;
    json_t *answer, *drifts;

    if (o->verify)
        return verify_history(o);
    status = ask(o, INTERFACE_PORTD ".Drift", &answer);
    if (status != STATUS_FINE)
        return status;
    drifts = json_object_get(answer, "drifts");
    if (!o->json && json_array_size(drifts) == 0)
        printf("nobody changed the rules so far\n");
    else if (!o->json)
        print_drifts(drifts);
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_audit(const struct options *o, const char *const *words _unused_,
                       size_t n_words _unused_) {
    enum status status;
    json_t *answer;

    status = ask(o, INTERFACE_PORTD ".Audit", &answer);
    if (status != STATUS_FINE)
        return status;
    if (!o->json)
        print_audit(answer);
    status = audit_is_fine(answer) ? STATUS_FINE : STATUS_ODD;
    json_decref(answer);
    return status;
}

/* Each event is flushed: it may go to a pipe whose reader waits for it. */
enum status verb_watch(const struct options *o, const char *const *words _unused_,
                       size_t n_words _unused_) {
    _cleanup_(client_freep) struct client *c = NULL;
    enum status status;
    json_t *event;

    status = client_call(o, INTERFACE_PORTD ".Watch", json_object(), true, &c);
    if (status != STATUS_FINE)
        return status;
    while ((status = client_next(c, &event)) == STATUS_FINE) {
        if (o->json) {
            print_json(event, true);
        } else {
            screen_make_safe(event);
            print_event(event);
        }
        json_decref(event);
        if (fflush(stdout) != 0)
            return STATUS_FAILED;
    }
    return status;
}
