/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_VARLINK_MESSAGE_H
#define PORTD_VARLINK_MESSAGE_H

#include "base/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Varlink's messages as values (https://varlink.org/Method-Call). Both ends use the same parser;
 * which keys a message may have depends on its kind, and any other is a mistake. */

enum message_kind {
    MESSAGE_CALL,  /* { method, parameters?, more?, oneway?, upgrade? } */
    MESSAGE_REPLY, /* { parameters?, continues? } or { error, parameters? } */
};

#define MESSAGE_DEPTH_MAX  32U  /* nested objects and arrays */
#define MESSAGE_METHOD_MAX 255U /* bytes of a method's whole name */

struct message {
    json_t *root;       /* owns all below */
    const char *method; /* of a call: "io.portd.Status", checked to be a name */
    const char *error;  /* of a reply: NULL unless it is an error */
    json_t *parameters; /* an object, or NULL: none */
    bool more, oneway, upgrade, continues;
};

enum { MESSAGE_E_INVALID = 1 };
/* 0, MESSAGE_E_INVALID or -ENOMEM. */
int message_parse(enum message_kind kind, const char *text, size_t size, struct message *ret);
void message_clear(struct message *m);

/* These build a message as text, malloc'ed, NULL when memory is out. `parameters` is borrowed
 * and may be NULL for none. */
char *message_call(const char *method, json_t *parameters, bool more);
char *message_reply(json_t *parameters, bool continues);
char *message_error(const char *error, json_t *parameters);

#endif
