/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_CALL_H
#define PORTD_DAEMON_CALL_H

#include "base/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/* One call of a client, as its handler sees it. It lives as long as the handler runs. */
struct call;

/* Who may call a method. */
enum access {
    ACCESS_ANY,      /* whoever could connect */
    ACCESS_READ,     /* uid 0, the daemon's own uid, members of the read group but the resolver */
    ACCESS_NAMES,    /* those, and the resolver */
    ACCESS_RESOLVER, /* the resolver's uid alone */
    ACCESS_WRITE,    /* uid 0 */
};

/* A row of an interface. The handler runs only for callers with this access right. It answers
 * with exactly one of call_reply(), call_error(), call_watch() and passes on what that returned,
 * so `return call_reply(c, parameters);` ends it; returning 0 without an answer answers {}.
 * Negative (-errno) without an answer: the daemon failed; the caller gets io.portd.Failed. */
struct method {
    const char *name; /* without the interface: "Status" */
    enum access access;
    int (*handler)(struct call *c, void *userdata);
};

/* What the caller gave: an object, or NULL when there was none. Borrowed. */
json_t *call_parameters(const struct call *c);
/* From the kernel (SO_PEERCRED), at the moment of connecting. pid is 0 when it can't be told. */
uid_t call_uid(const struct call *c);
pid_t call_pid(const struct call *c);

/* A parameter that is a string, or, with `ret_flag`, one that is true or not, or, with
 * `ret_integer`, a number (0 when left out). */
struct call_string {
    const char *name;
    bool is_optional;
    const char **ret; /* borrowed from the call; NULL when left out or null */
    bool *ret_flag;
    json_int_t *ret_integer;
};

/* Takes all parameters of a method; with `n` 0 it has none. 0, or CALL_E_ANSWERED after it told
 * the caller which parameter is missing, of another type, or unknown; -errno. */
enum { CALL_E_ANSWERED = 1 };
int call_strings(struct call *c, const struct call_string *strings, size_t n);

/* Whether the parameters have these members only; as call_strings(). */
int call_only(struct call *c, const char *const *names, size_t n);

/* Answers. Both take the reference of `parameters`; NULL means that memory was out when they were
 * built (-ENOMEM). A reply may have any size. 0 or -errno. */
int call_reply(struct call *c, json_t *parameters);
int call_error(struct call *c, const char *error, json_t *parameters);
/* call_error() of an error of io.portd whose one parameter is `text`. */
int call_error_text(struct call *c, const char *error, const char *text);

/* What a caller can be told from now on, one reply at a time. */
enum topic { TOPIC_NONE, TOPIC_EVENTS, TOPIC_NAMES, TOPIC_DENIED };

bool call_wants_more(const struct call *c);
/* Answers with `first` (its reference is taken; NULL: nothing yet), then with all that
 * server_broadcast() sends on the topic. A caller that didn't say `more` gets ExpectedMore. */
int call_watch(struct call *c, enum topic topic, json_t *first);

#endif
