/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "question.h"

#include "failure.h"

#include <stdio.h>
#include <string.h>

/* A "from" or "to" before the address, for those who read it aloud. */
static const char *address_word(const char *const *words, size_t n) {
    if (n == 3)
        return words[2];
    return strcmp(words[2], "from") == 0 || strcmp(words[2], "to") == 0 ? words[3] : NULL;
}

enum status question_parse(const char *verb, const char *const *words, size_t n,
                           struct query *ret) {
    const char *address = address_word(words, n);
    _cleanup_(freep) char *text = NULL;
    int r;

    if (!address) {
        fprintf(stderr, "portd-ctl: \"%s\" is neither \"from\" nor \"to\"\n", words[2]);
        return STATUS_USAGE;
    }
    r = query_parse(words[0], words[1], address, ret, &text);
    if (r < 0)
        return failure_memory();
    if (r == 0)
        return STATUS_FINE;
    fprintf(stderr, "portd-ctl: %s\n  try: portd-ctl %s --help\n", text, verb);
    return STATUS_USAGE;
}

json_t *question_json(const struct query *q) {
    char service[SERVICE_TEXT_MAX], address[RANGE_TEXT_MAX];

    return json_pack("{ssssss}", "direction", direction_name(q->direction), "service",
                     service_format(&q->service, service), "address",
                     address_format(&q->other, q->family, address));
}
