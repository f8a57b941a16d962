/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is JSON for our reader is JSON for jansson, and the other way round; but for the limits
 * that only one of them has: depth, number of values and NUL bytes here, large fractions there. */
#include "engine/doc.h"
#include "loaded.h"

#include <jansson.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    _cleanup_(freep) char *text = text_copy(data, size);
    _cleanup_(arena_freep) struct arena *arena = arena_new();
    struct report report = REPORT_INIT;
    struct node *root;
    json_error_t e;
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &e);
    int r = doc_parse(text, size, "d.json", arena, &root, &report);

    oracle((r == DOC_E_INVALID) == !report_is_empty(&report));
    if (memchr(text, '\0', size))
        oracle(r == DOC_E_INVALID);
    else if (json)
        oracle(r == 0 || strstr(report.entries[0].text, "nested more"));
    else if (json_error_code(&e) != json_error_numeric_overflow)
        oracle(r == DOC_E_INVALID);
    json_decref(json);
    report_clear(&report);
    return 0;
}
