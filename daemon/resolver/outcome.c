/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "outcome.h"

#include <stdio.h>
#include <string.h>

static const char *const family_words[] = { [FAMILY_IPV4] = "IPv4", [FAMILY_IPV6] = "IPv6" };
static_assert(ARRAY_SIZE(family_words) == FAMILY_MAX, "a family has no word");

static const char *const family_keys[] = { [FAMILY_IPV4] = "ipv4", [FAMILY_IPV6] = "ipv6" };
static_assert(ARRAY_SIZE(family_keys) == FAMILY_MAX, "a family has no key");

void outcome_clear(struct outcome *o) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        answer_clear(&o->answers[f]);
    o->error[0] = '\0';
}

static void add_error(struct outcome *o, const char *family, const char *error) {
    size_t n = strlen(o->error);

    snprintf(o->error + n, sizeof(o->error) - n, "%s%s: %s", n > 0 ? "; " : "", family, error);
}

static void write_error(struct outcome *o) {
    const struct answer *v4 = &o->answers[FAMILY_IPV4], *v6 = &o->answers[FAMILY_IPV6];

    o->error[0] = '\0';
    if (v4->kind == ANSWER_FAILED && v6->kind == ANSWER_FAILED &&
        strcmp(v4->error, v6->error) == 0) {
        snprintf(o->error, sizeof(o->error), "%s", v4->error);
        return;
    }
    for (enum family f = 0; f < FAMILY_MAX; f++)
        if (o->answers[f].kind == ANSWER_FAILED)
            add_error(o, family_words[f], o->answers[f].error);
}

/* The other family's word decides what is thought of one that has no address. */
static void judge_empty(struct answer *empty, const struct answer *other) {
    if (empty->kind != ANSWER_NONE)
        return;
    if (other->kind == ANSWER_ADDRESSES)
        empty->ttl = other->ttl;
    else
        answer_fail(empty, "no addresses");
}

void outcome_judge(struct outcome *o) {
    struct answer *v4 = &o->answers[FAMILY_IPV4], *v6 = &o->answers[FAMILY_IPV6];
    size_t n = v4->n + v6->n;

    if (n > ANSWER_ADDRESSES_MAX)
        for (enum family f = 0; f < FAMILY_MAX; f++)
            answer_fail(&o->answers[f], "%zu addresses, more than the %u that are taken", n,
                        ANSWER_ADDRESSES_MAX);
    judge_empty(v4, v6);
    judge_empty(v6, v4);
    write_error(o);
}

void outcome_fail(struct outcome *o, const char *why) {
    for (enum family f = 0; f < FAMILY_MAX; f++)
        answer_fail(&o->answers[f], "%s", why);
    outcome_judge(o);
}

bool outcome_is_whole(const struct outcome *o) {
    return o->answers[FAMILY_IPV4].kind != ANSWER_FAILED &&
           o->answers[FAMILY_IPV6].kind != ANSWER_FAILED;
}

bool outcome_ttl(const struct outcome *o, uint32_t *ret) {
    bool is_answered = false;

    for (enum family f = 0; f < FAMILY_MAX; f++) {
        const struct answer *a = &o->answers[f];

        if (a->kind == ANSWER_FAILED)
            continue;
        if (!is_answered || a->ttl < *ret)
            *ret = a->ttl;
        is_answered = true;
    }
    return is_answered;
}

/* Answer of io.portd. */
static json_t *answer_json(const struct answer *a, enum family f) {
    json_t *list = json_array();

    for (size_t i = 0; list && i < a->n; i++) {
        char text[RANGE_TEXT_MAX];

        if (json_array_append_new(list, json_string(address_format(&a->items[i], f, text))) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return json_pack("{s:o, s:I}", "addresses", list, "ttl", (json_int_t)a->ttl);
}

json_t *outcome_json(const struct outcome *o, const char *name) {
    json_t *call = json_pack("{s:s, s:s*}", "name", name, "error", o->error[0] ? o->error : NULL);

    for (enum family f = 0; call && f < FAMILY_MAX; f++)
        if (o->answers[f].kind != ANSWER_FAILED &&
            json_object_set_new(call, family_keys[f], answer_json(&o->answers[f], f)) < 0) {
            json_decref(call);
            return NULL;
        }
    return call;
}
