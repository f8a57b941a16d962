/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A paragraph a finding: what and where, then what it means, whom it concerns, what to do. */
#include "print.h"

#include "base/macros.h"
#include "screen.h"

static bool is_enforced(json_t *finding) {
    return json_is_true(json_object_get(finding, "enforced"));
}

bool audit_is_fine(json_t *audit) {
    json_t *item;
    size_t i;

    json_array_foreach(json_object_get(audit, "findings"), i,
                       item) if (!is_enforced(item)) return false;
    return true;
}

static void print_place(json_t *finding) {
    const char *table = member_text(finding, "table"), *chain = member_text(finding, "chain");
    json_t *handle = json_object_get(finding, "handle");

    if (*table)
        printf("  table %s %s", member_text(finding, "family"), table);
    if (*chain)
        printf(" chain %s", chain);
    if (handle)
        printf(" handle %lld", (long long)json_integer_value(handle));
}

static void print_finding(json_t *finding) {
    _cleanup_(freep) char *flows = member_list(finding, "flows", ", ");
    bool is_certain = json_is_true(json_object_get(finding, "certain"));
    enum colour colour = is_enforced(finding) ? COLOUR_GOOD : is_certain ? COLOUR_BAD : COLOUR_WARN;

    printf("%s%s%s", screen_colour(colour), member_text(finding, "code"),
           screen_colour(COLOUR_NONE));
    print_place(finding);
    putchar('\n');
    print_paragraph("  ", member_text(finding, "text"));
    if (flows && *flows)
        print_paragraph("  flows: ", flows);
    print_paragraph(is_enforced(finding) ? "  " : "  to do: ", member_text(finding, "hint"));
}

void print_audit(json_t *audit) {
    json_t *findings = json_object_get(audit, "findings"), *blind = json_object_get(audit, "blind");
    bool is_fine = audit_is_fine(audit);
    json_t *item;
    size_t i;

    if (is_fine)
        puts("nothing of others goes around the policy or stands in its way");
    json_array_foreach(findings, i, item) {
        if (i > 0 || is_fine)
            putchar('\n');
        print_finding(item);
    }
    if (json_array_size(findings) > 0 && json_array_size(blind) > 0)
        putchar('\n');
    json_array_foreach(blind, i, item) print_paragraph("note: ", json_string_value(item));
}
