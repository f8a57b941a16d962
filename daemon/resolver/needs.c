/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What portd says is checked as if a stranger said it: the worst that it can do is to make us ask
 * for 10,000 names. */
#include "needs.h"

#include "link.h"
#include "retry.h"
#include "schedule.h"

#include "base/quote.h"
#include "daemon/log.h"
#include "engine/name.h"
#include "varlink/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_MAX         320U
#define RETRY_ACCURACY_USEC 10000U

struct needs {
    sd_event *event;
    const char *socket;
    struct link *link; /* NULL while waiting for the next try */
    sd_event_source *retry;
    needs_handler handler;
    void *userdata;
    unsigned n_failures;
    bool is_known;
    size_t n_names;            /* as logged */
    char problem[PROBLEM_MAX]; /* as logged; "" when there is none */
};

/* Says what is wrong unless that was the last thing said. */
static void complain(struct needs *n, const char *problem) {
    if (strcmp(n->problem, problem) == 0)
        return;
    snprintf(n->problem, sizeof(n->problem), "%s", problem);
    log_warn("%s; trying again", problem);
}

/* Hangs up and waits. */
static void give_up(struct needs *n, const char *problem) {
    complain(n, problem);
    n->link = link_free(n->link);
    n->is_known = false;
    n->n_failures++;
    (void)sd_event_source_set_time_relative(
        n->retry, retry_delay(n->n_failures, NEEDS_RETRY_USEC, NEEDS_RETRY_MAX_USEC));
    (void)sd_event_source_set_enabled(n->retry, SD_EVENT_ONESHOT);
}

static void give_up_errno(struct needs *n, int error) {
    char problem[PROBLEM_MAX];

    if (error == -ENOENT || error == -ECONNREFUSED)
        snprintf(problem, sizeof(problem), "no portd listens at %s", n->socket);
    else if (error == -ECONNRESET || error == -EPIPE)
        snprintf(problem, sizeof(problem), "portd hung up");
    else if (error == -ETIMEDOUT || error == -EAGAIN)
        snprintf(problem, sizeof(problem), "portd does not answer");
    else if (error == -EPROTO)
        snprintf(problem, sizeof(problem), "portd's list of names makes no sense");
    else
        snprintf(problem, sizeof(problem), "portd can't be asked at %s: %s", n->socket,
                 strerror(-error));
    give_up(n, problem);
}

static void give_up_refused(struct needs *n, const char *error) {
    char problem[PROBLEM_MAX];

    if (strcmp(error, ERROR_PERMISSION_DENIED) == 0)
        snprintf(problem, sizeof(problem),
                 "portd does not let this user ask: start portd with --resolver-user NAME");
    else
        snprintf(problem, sizeof(problem), "portd refuses to say which names it needs: %s", error);
    give_up(n, problem);
}

/* The name of a Name of io.portd, or NULL where that is none. */
static const char *name_of(const json_t *value) {
    return json_string_value(json_object_get(value, "name"));
}

static void say_names(struct needs *n, size_t n_names, size_t n_bad, const char *bad) {
    char quoted[QUOTE_TEXT_MAX];

    if (n_bad > 0)
        log_warn("portd needs %zu names that are no host names or too many; they are left out: %s",
                 n_bad, text_quote(bad, quoted));
    if (n->is_known && n->n_names == n_names)
        return;
    log_info("portd needs %zu name%s", n_names, n_names == 1 ? "" : "s");
    n->n_names = n_names;
    n->problem[0] = '\0';
}

/* 0, -EPROTO or -ENOMEM. */
static int take_names(struct needs *n, const json_t *list) {
    _cleanup_(freep) const char **names = NULL;
    const char *bad = NULL;
    size_t i, n_names = 0, n_bad = 0;
    bool is_new = !n->is_known;
    json_t *value;

    if (!json_is_array(list))
        return -EPROTO;
    names = calloc(SCHEDULE_NAMES_MAX, sizeof(*names));
    if (!names)
        return -ENOMEM;
    json_array_foreach(list, i, value) {
        const char *name = name_of(value);

        if (!name)
            return -EPROTO;
        if (n_names < SCHEDULE_NAMES_MAX && hostname_is_valid(name))
            names[n_names++] = name;
        else if (n_bad++ == 0)
            bad = name;
    }
    say_names(n, n_names, n_bad, bad);
    n->is_known = true;
    n->n_failures = 0;
    n->handler(names, n_names, is_new, n->userdata);
    return 0;
}

static void on_link(struct link *l _unused_, int error, const struct message *reply,
                    void *userdata) {
    struct needs *n = userdata;

    if (error == 0 && reply->error) {
        give_up_refused(n, reply->error);
        return;
    }
    if (error == 0)
        error = take_names(n, json_object_get(reply->parameters, "names"));
    if (error < 0)
        give_up_errno(n, error);
}

static int on_retry(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct needs *n = userdata;
    int r;

    r = link_new(n->event, n->socket, NEEDS_REPLY_MAX, on_link, n, &n->link);
    if (r == 0)
        r = link_call(n->link, message_call(INTERFACE_PORTD ".Names", NULL, true),
                      NEEDS_TIMEOUT_USEC);
    if (r < 0)
        give_up_errno(n, r);
    return 0;
}

int needs_new(sd_event *event, const char *socket, needs_handler handler, void *userdata,
              struct needs **ret) {
    _cleanup_(needs_freep) struct needs *n = calloc(1, sizeof(*n));
    int r;

    if (!n)
        return -ENOMEM;
    *n = (struct needs){
        .event = sd_event_ref(event), .socket = socket, .handler = handler, .userdata = userdata
    };
    r = sd_event_add_time_relative(event, &n->retry, CLOCK_MONOTONIC, 0, RETRY_ACCURACY_USEC,
                                   on_retry, n);
    if (r < 0)
        return r;
    *ret = TAKE_PTR(n);
    return 0;
}

struct needs *needs_free(struct needs *n) {
    if (!n)
        return NULL;
    link_free(n->link);
    sd_event_source_disable_unref(n->retry);
    sd_event_unref(n->event);
    free(n);
    return NULL;
}

bool needs_are_known(const struct needs *n) {
    return n->is_known;
}
