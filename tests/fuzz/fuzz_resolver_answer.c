/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whatever a DNS server sends: the answer keeps its promises, comes out the same each time, and has
 * no address that the message doesn't. The first byte of the input is the family, the rest is the
 * message. */
#include "daemon/resolver/outcome.h"

#include "base/quote.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_so) {
    if (!is_so)
        abort();
}

static void check_addresses(const struct answer *a, enum family f, const uint8_t *message,
                            size_t size) {
    require(a->n > 0 && a->n <= ANSWER_ADDRESSES_MAX);
    require(a->ttl <= ANSWER_TTL_MAX);
    for (size_t i = 0; i < a->n; i++) {
        require(memmem(message, size, a->items[i].bytes, family_size(f)));
        require(i == 0 || address_compare(&a->items[i - 1], &a->items[i]) < 0);
    }
}

static void check(const struct answer *a, enum family f, const uint8_t *message, size_t size) {
    require((a->kind == ANSWER_FAILED) == (a->error[0] != '\0'));
    require(text_is_printable(a->error));
    if (a->kind == ANSWER_ADDRESSES)
        check_addresses(a, f, message, size);
    else
        require(a->n == 0 && !a->items);
}

static void check_same(const struct answer *a, const struct answer *b) {
    require(a->kind == b->kind && a->n == b->n && a->ttl == b->ttl);
    require(strcmp(a->error, b->error) == 0);
    require(a->n == 0 || memcmp(a->items, b->items, a->n * sizeof(*a->items)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum family f = size > 0 && data[0] & 1 ? FAMILY_IPV6 : FAMILY_IPV4;
    struct answer again = { 0 };
    struct outcome o = { 0 };
    json_t *call;

    if (size < 1)
        return 0;
    answer_parse(data + 1, size - 1, "my.mailstore.com", f, &o.answers[f]);
    answer_parse(data + 1, size - 1, "my.mailstore.com", f, &again);
    check(&again, f, data + 1, size - 1);
    check_same(&o.answers[f], &again);
    outcome_judge(&o);
    require(!outcome_is_whole(&o) && o.error[0]); /* the other family wasn't asked */
    call = outcome_json(&o, "my.mailstore.com");
    require(call);
    json_decref(call);
    answer_clear(&again);
    outcome_clear(&o);
    return 0;
}
