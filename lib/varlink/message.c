/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Nesting is counted on the text before jansson sees it, because its own limit (2048) is a choice
 * of the library's build and its parser recurses. The keys are rows: a key that no row lists for
 * this kind of message refuses it, as does a value of another type. */
#include "varlink/message.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

struct field {
    const char *key;
    enum message_kind kind;
    json_type type; /* JSON_TRUE stands for both booleans */
    size_t offset;
};

#define ROW(kind, type, name)                                                                      \
    { #name, kind, type, offsetof(struct message, name) }
static const struct field fields[] = {
    ROW(MESSAGE_CALL, JSON_STRING, method),      ROW(MESSAGE_CALL, JSON_OBJECT, parameters),
    ROW(MESSAGE_CALL, JSON_TRUE, more),          ROW(MESSAGE_CALL, JSON_TRUE, oneway),
    ROW(MESSAGE_CALL, JSON_TRUE, upgrade),       ROW(MESSAGE_REPLY, JSON_STRING, error),
    ROW(MESSAGE_REPLY, JSON_OBJECT, parameters), ROW(MESSAGE_REPLY, JSON_TRUE, continues),
};

static bool is_too_deep(const char *text, size_t size) {
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < size; i++) {
        char c = text[i];

        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (!in_string && (c == '{' || c == '[') && ++depth > MESSAGE_DEPTH_MAX)
            return true;
        else if (!in_string && (c == '}' || c == ']') && depth > 0)
            depth--;
    }
    return false;
}

static const struct field *field_find(enum message_kind kind, const char *key) {
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (fields[i].kind == kind && strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

static bool field_set(const struct field *f, json_t *value, struct message *m) {
    void *to = (uint8_t *)m + f->offset;

    if (f->type == JSON_TRUE) {
        *(bool *)to = json_is_true(value);
        return json_is_boolean(value);
    }
    if (json_typeof(value) != f->type)
        return false;
    if (f->type == JSON_STRING)
        *(const char **)to = json_string_value(value);
    else
        *(json_t **)to = value;
    return true;
}

/* Varlink's names: dotted labels, of which the last is the method. Such a name can be sent back
 * and printed as it is. */
static bool is_name(const char *name) {
    size_t n = strlen(name);
    const char *dot = strrchr(name, '.');

    return n <= MESSAGE_METHOD_MAX && dot && dot > name && dot[1] &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") == n;
}

static bool is_consistent(enum message_kind kind, const struct message *m) {
    if (kind == MESSAGE_REPLY)
        return !m->error || (is_name(m->error) && !m->continues);
    return m->method && is_name(m->method) && m->more + m->oneway + m->upgrade <= 1;
}

static bool message_fill(enum message_kind kind, struct message *m) {
    const char *key;
    json_t *value;

    if (!json_is_object(m->root))
        return false;
    json_object_foreach(m->root, key, value) {
        const struct field *f = field_find(kind, key);

        if (!f || !field_set(f, value, m))
            return false;
    }
    return is_consistent(kind, m);
}

int message_parse(enum message_kind kind, const char *text, size_t size, struct message *ret) {
    struct message m = { 0 };
    json_error_t error;

    if (is_too_deep(text, size))
        return MESSAGE_E_INVALID;
    m.root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!m.root)
        return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : MESSAGE_E_INVALID;
    if (!message_fill(kind, &m)) {
        message_clear(&m);
        return MESSAGE_E_INVALID;
    }
    *ret = m;
    return 0;
}

void message_clear(struct message *m) {
    json_decref(m->root);
    *m = (struct message){ 0 };
}

/* Takes `root`, which may be NULL, and dumps it with the parameters and a flag added. */
static char *message_dump(json_t *root, json_t *parameters, const char *flag) {
    char *text = NULL;

    if (!root)
        return NULL;
    if ((!parameters || json_object_set(root, "parameters", parameters) == 0) &&
        (!flag || json_object_set_new(root, flag, json_true()) == 0))
        text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

char *message_call(const char *method, json_t *parameters, bool more) {
    return message_dump(json_pack("{ss}", "method", method), parameters, more ? "more" : NULL);
}

char *message_reply(json_t *parameters, bool continues) {
    return message_dump(json_object(), parameters, continues ? "continues" : NULL);
}

char *message_error(const char *error, json_t *parameters) {
    return message_dump(json_pack("{ss}", "error", error), parameters, NULL);
}
