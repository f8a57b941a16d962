/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs that change what is enforced. */
#include "change.h"
#include "client.h"
#include "failure.h"
#include "print.h"
#include "session.h"
#include "varlink/interface.h"
#include "when.h"

#include <stdlib.h>
#include <string.h>

#define DIGEST_MAX  12
#define CHANGES_MAX 20U /* lines that are printed; a first install has hundreds */

json_t *reason_parameters(const struct options *o) {
    return o->reason ? json_pack("{ss}", "reason", o->reason) : json_object();
}

/* Few enough that the warnings below them are seen. */
static void print_changes(json_t *changes) {
    size_t n = json_array_size(changes);

    while (json_array_size(changes) > CHANGES_MAX)
        json_array_remove(changes, json_array_size(changes) - 1);
    print_lines(changes, "  ");
    if (n > CHANGES_MAX)
        printf("  and %zu more\n", n - CHANGES_MAX);
}

void print_flow_changes(const char *verb, const json_t *changes) {
    size_t n = json_array_size(changes);

    for (size_t i = 0; i < n && i < CHANGES_MAX; i++)
        printf("  %s %s\n", verb, member_text(json_array_get(changes, i), "text"));
    if (n > CHANGES_MAX)
        printf("  %s %zu more\n", verb, n - CHANGES_MAX);
}

static void print_held(json_t *answer) {
    printf("held: the policies before this update stay in force; to load it: portd-ctl reload\n");
    print_flow_changes("would open", json_object_get(answer, "opened"));
    print_flow_changes("would close", json_object_get(answer, "closed"));
}

static void print_reloaded(json_t *answer) {
    json_t *changes = json_object_get(answer, "changes");
    const char *until = member_text(answer, "confirm_until");
    size_t n = json_array_size(changes);
    char buf[WHEN_TEXT_MAX];

    printf("in force: generation %lld, %.*s, ",
           (long long)json_integer_value(json_object_get(answer, "generation")), DIGEST_MAX,
           member_text(answer, "digest"));
    if (n == 0)
        printf("nothing to change in the kernel\n");
    else
        printf("%zu change%s\n", n, n == 1 ? "" : "s");
    print_flow_changes("opened", json_object_get(answer, "opened"));
    print_flow_changes("closed", json_object_get(answer, "closed"));
    print_changes(changes);
    print_warnings(json_object_get(answer, "warnings"), "  ");
    if (*until)
        printf("rolled back at %s unless you type: portd-ctl confirm\n",
               when_format(until, time(NULL), buf));
}

enum status verb_reload(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    long seconds = o->confirm ? when_seconds(o->confirm) : 0;
    json_t *answer = reason_parameters(o);
    enum status status;

    if ((o->update && json_object_set_new(answer, "update", json_true()) < 0) ||
        (o->force && json_object_set_new(answer, "force", json_true()) < 0) ||
        session_add(o, answer) < 0)
        return failure_memory();
    if (o->confirm && (seconds < 1 || seconds > 86400 || o->update)) {
        json_decref(answer);
        fprintf(stderr, o->update ? "portd-ctl: an update can't be confirmed: --update or "
                                    "--confirm\n"
                                  : "portd-ctl: reload wants to know for how long to wait: "
                                    "--confirm 5m, at most 24h\n");
        return STATUS_USAGE;
    }
    if (o->confirm && json_object_set_new(answer, "confirm_seconds", json_integer(seconds)) < 0)
        return failure_memory();
    status = client_ask(o, INTERFACE_PORTD ".Reload", answer, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else if (json_is_true(json_object_get(answer, "held")))
        print_held(answer);
    else
        print_reloaded(answer);
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_off(const struct options *o, const char *const *words _unused_,
                     size_t n_words _unused_) {
    enum status status;
    json_t *answer;

    if (!o->yes) {
        fprintf(stderr,
                "portd-ctl: off removes table inet portd, and only that: every port of this host "
                "is then\n"
                "open to whom other rules don't stop, until a reload. Nothing was done; to do it:\n"
                "  portd-ctl off --yes\n");
        return STATUS_USAGE;
    }
    status = client_ask(o, INTERFACE_PORTD ".Off", reason_parameters(o), &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        printf("table inet portd is removed, portd enforces nothing; to enforce again: portd-ctl "
               "reload\n");
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_unseal(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    long seconds = o->duration ? when_seconds(o->duration) : 0;
    enum status status;
    json_t *answer;

    if (seconds < 1 || seconds > 86400) {
        fprintf(stderr, "portd-ctl: unseal wants to know for how long: --for 10m, at most 24h\n");
        return STATUS_USAGE;
    }
    answer = reason_parameters(o);
    if (json_object_set_new(answer, "seconds", json_integer(seconds)) < 0)
        return failure_memory();
    status = client_ask(o, INTERFACE_PORTD ".Unseal", answer, &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        printf("unsealed until %s: what others change in table inet portd stays until then\n"
               "to seal it before that: portd-ctl seal\n",
               member_text(answer, "until"));
    json_decref(answer);
    return STATUS_FINE;
}

enum status verb_seal(const struct options *o, const char *const *words _unused_,
                      size_t n_words _unused_) {
    enum status status;
    json_t *answer;

    status = client_ask(o, INTERFACE_PORTD ".Seal", json_object(), &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        printf("the table is sealed again: portd-ctl status\n");
    json_decref(answer);
    return STATUS_FINE;
}
