/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers go into the connection's output as text at once, so that nothing of a call outlives its
 * handler. */
#include "daemon/call.h"

#include "daemon/connection.h"
#include "varlink/interface.h"

#include <errno.h>
#include <string.h>

json_t *call_parameters(const struct call *c) {
    return c->message.parameters;
}

uid_t call_uid(const struct call *c) {
    return c->connection->who.uid;
}

pid_t call_pid(const struct call *c) {
    return c->connection->who.pid;
}

/* Sends an answer; takes `text`. A oneway caller waits for none. */
static int call_answer(struct call *c, char *text) {
    int r = 0;

    assert(!c->is_answered);
    if (!text)
        return -ENOMEM;
    if (!c->message.oneway)
        r = frame_output_add(&c->connection->out, text, strlen(text));
    free(text);
    c->is_answered = r == 0;
    return r;
}

int call_reply(struct call *c, json_t *parameters) {
    int r = -ENOMEM;

    if (parameters)
        r = call_answer(c, message_reply(parameters, false));
    json_decref(parameters);
    return r;
}

int call_error(struct call *c, const char *error, json_t *parameters) {
    int r = -ENOMEM;

    if (parameters)
        r = call_answer(c, message_error(error, parameters));
    json_decref(parameters);
    return r;
}

int call_error_text(struct call *c, const char *error, const char *text) {
    return call_error(c, error, json_pack("{ss}", "text", text));
}

bool call_wants_more(const struct call *c) {
    return c->message.more;
}

int call_watch(struct call *c, enum topic topic, json_t *first) {
    int r = 0;

    if (!c->message.more) {
        json_decref(first);
        return call_error(c, ERROR_EXPECTED_MORE, json_object());
    }
    if (first)
        r = call_answer(c, message_reply(first, true));
    json_decref(first);
    if (r < 0)
        return r;
    c->is_answered = true;
    c->connection->topic = topic;
    return 0;
}

static int call_refuse_parameter(struct call *c, const char *name) {
    int r;

    r = call_error(c, ERROR_INVALID_PARAMETER, json_pack("{ss}", "parameter", name));
    return r < 0 ? r : CALL_E_ANSWERED;
}

static bool is_listed(const char *key, const struct call_string *strings, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(strings[i].name, key) == 0)
            return true;
    return false;
}

int call_only(struct call *c, const char *const *names, size_t n) {
    const char *key;
    json_t *value;

    json_object_foreach(c->message.parameters, key, value) {
        size_t i = 0;

        while (i < n && strcmp(names[i], key) != 0)
            i++;
        if (i == n)
            return call_refuse_parameter(c, key);
    }
    return 0;
}

static bool is_of_type(const json_t *value, const struct call_string *s) {
    if (s->ret_integer)
        return json_is_integer(value);
    return s->ret_flag ? json_is_boolean(value) : json_is_string(value);
}

int call_strings(struct call *c, const struct call_string *strings, size_t n) {
    const char *key;
    json_t *value;

    json_object_foreach(c->message.parameters, key,
                        value) if (!is_listed(key, strings, n)) return call_refuse_parameter(c,
                                                                                             key);
    for (size_t i = 0; i < n; i++) {
        value = json_object_get(c->message.parameters, strings[i].name);
        if (json_is_null(value))
            value = NULL;
        if (value ? !is_of_type(value, &strings[i]) : !strings[i].is_optional)
            return call_refuse_parameter(c, strings[i].name);
        if (strings[i].ret_flag)
            *strings[i].ret_flag = json_is_true(value);
        else if (strings[i].ret_integer)
            *strings[i].ret_integer = json_integer_value(value);
        else
            *strings[i].ret = json_string_value(value);
    }
    return 0;
}
