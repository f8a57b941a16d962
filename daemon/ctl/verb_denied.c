/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client.h"
#include "failure.h"
#include "print.h"
#include "screen.h"
#include "varlink/interface.h"
#include "when.h"

#define METHOD INTERFACE_PORTD ".Denied"

static json_t *parameters(const struct options *o, long since) {
    json_t *p = json_object();

    if (since > 0 && json_object_set_new(p, "since", json_integer(since)) < 0)
        return NULL;
    if (o->would && json_object_set_new(p, "would", json_true()) < 0)
        return NULL;
    return p;
}

/* Each answer is flushed: it may go to a pipe whose reader waits for it. */
static enum status follow(const struct options *o, long since) {
    _cleanup_(client_freep) struct client *c = NULL;
    enum status status;
    json_t *answer;

    status = client_call(o, METHOD, parameters(o, since), true, &c);
    if (status != STATUS_FINE)
        return status;
    while ((status = client_next(c, &answer)) == STATUS_FINE) {
        if (o->json) {
            print_json(answer, true);
        } else {
            screen_make_safe(answer);
            print_denials_news(answer, o->would);
        }
        json_decref(answer);
        if (fflush(stdout) != 0)
            return STATUS_FAILED;
    }
    return status;
}

enum status verb_denied(const struct options *o, const char *const *words _unused_,
                        size_t n_words _unused_) {
    long since = o->since ? when_seconds(o->since) : 0;
    enum status status;
    json_t *answer;

    if (o->since && since < 1) {
        fprintf(stderr, "portd-ctl: denied wants to know since when: --since 90s, 10m or 2h\n");
        return STATUS_USAGE;
    }
    if (o->follow)
        return follow(o, since);
    status = client_ask(o, METHOD, parameters(o, since), &answer);
    if (status != STATUS_FINE)
        return status;
    if (o->json)
        print_json(answer, false);
    else
        print_denials(answer);
    json_decref(answer);
    return STATUS_FINE;
}
