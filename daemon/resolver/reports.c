/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "reports.h"

#include "link.h"
#include "retry.h"

#include "base/quote.h"
#include "daemon/log.h"
#include "varlink/interface.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PROBLEM_MAX         320U
#define RETRY_ACCURACY_USEC 10000U

struct reports {
    sd_event *event;
    const char *socket;
    struct link *link; /* NULL: none, there is nothing to tell or the next try has to wait */
    char *name;        /* of the call under way; NULL: none is */
    sd_event_source *pause;
    bool is_pausing;
    reports_handler handler;
    void *userdata;
    unsigned n_failures;
    char problem[PROBLEM_MAX]; /* as logged; "" when there is none */
};

static void complain(struct reports *r, const char *problem) {
    if (strcmp(r->problem, problem) == 0)
        return;
    snprintf(r->problem, sizeof(r->problem), "%s", problem);
    log_warn("%s", problem);
}

/* The call is over. */
static void finish(struct reports *r, enum report_fate fate, const char *why) {
    _cleanup_(freep) char *name = TAKE_PTR(r->name);

    if (name)
        r->handler(name, fate, why, r->userdata);
}

static void lose(struct reports *r, int error) {
    char problem[PROBLEM_MAX];

    snprintf(problem, sizeof(problem), "portd takes no answers at the moment: %s",
             error == -EPROTO ? "its replies make no sense" : strerror(-error));
    complain(r, problem);
    r->link = link_free(r->link);
    r->n_failures++;
    r->is_pausing =
        sd_event_source_set_time_relative(r->pause, retry_delay(r->n_failures, REPORTS_RETRY_USEC,
                                                                REPORTS_RETRY_MAX_USEC)) >= 0 &&
        sd_event_source_set_enabled(r->pause, SD_EVENT_ONESHOT) >= 0;
    finish(r, REPORT_LOST, NULL);
}

static void refuse(struct reports *r, const struct message *reply) {
    const char *text = json_string_value(json_object_get(reply->parameters, "text"));
    _cleanup_(freep) char *why = text_escape(text ? text : reply->error);
    char problem[PROBLEM_MAX];

    if (strcmp(reply->error, ERROR_PERMISSION_DENIED) == 0)
        snprintf(problem, sizeof(problem),
                 "portd takes no answers from this user: start portd with --resolver-user NAME");
    else
        snprintf(problem, sizeof(problem), "portd refuses the answer for %s: %s", r->name,
                 why ? why : "?");
    complain(r, problem);
    finish(r, REPORT_REFUSED, why ? why : "?");
}

static void on_link(struct link *l _unused_, int error, const struct message *reply,
                    void *userdata) {
    struct reports *r = userdata;

    if (error == 0 && !r->name)
        error = -EPROTO; /* a reply to nothing */
    if (error < 0) {
        lose(r, error);
        return;
    }
    r->n_failures = 0;
    if (!reply->error) {
        r->problem[0] = '\0';
        finish(r, REPORT_TAKEN, NULL);
    } else if (strcmp(reply->error, ERROR_NOT_NEEDED) == 0) {
        finish(r, REPORT_UNNEEDED, NULL);
    } else {
        refuse(r, reply);
    }
}

/* What is to be done after the wait is done by whoever looks at reports_are_idle(). */
static int on_pause(sd_event_source *source _unused_, uint64_t usec _unused_, void *userdata) {
    struct reports *r = userdata;

    r->is_pausing = false;
    return 0;
}

int reports_new(sd_event *event, const char *socket, reports_handler handler, void *userdata,
                struct reports **ret) {
    _cleanup_(reports_freep) struct reports *r = calloc(1, sizeof(*r));
    int error;

    if (!r)
        return -ENOMEM;
    *r = (struct reports){
        .event = sd_event_ref(event), .socket = socket, .handler = handler, .userdata = userdata
    };
    error = sd_event_add_time_relative(event, &r->pause, CLOCK_MONOTONIC, 0, RETRY_ACCURACY_USEC,
                                       on_pause, r);
    if (error >= 0)
        error = sd_event_source_set_enabled(r->pause, SD_EVENT_OFF);
    if (error < 0)
        return error;
    *ret = TAKE_PTR(r);
    return 0;
}

struct reports *reports_free(struct reports *r) {
    if (!r)
        return NULL;
    link_free(r->link);
    sd_event_source_disable_unref(r->pause);
    sd_event_unref(r->event);
    free(r->name);
    free(r);
    return NULL;
}

bool reports_are_idle(const struct reports *r) {
    return !r->name && !r->is_pausing;
}

void reports_send(struct reports *r, const char *name, json_t *parameters) {
    int error = 0;

    assert(reports_are_idle(r));
    r->name = strdup(name);
    if (!r->name || !parameters)
        error = -ENOMEM;
    if (error == 0 && !r->link)
        error = link_new(r->event, r->socket, REPORTS_REPLY_MAX, on_link, r, &r->link);
    if (error == 0)
        error = link_call(r->link, message_call(INTERFACE_PORTD ".Resolved", parameters, false),
                          REPORTS_TIMEOUT_USEC);
    json_decref(parameters);
    if (error < 0)
        lose(r, error);
}

void reports_rest(struct reports *r) {
    assert(reports_are_idle(r));
    r->link = link_free(r->link);
}
