/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/drift.h"

#include "daemon/clock.h"
#include "daemon/log.h"
#include "engine/jsonlist.h"
#include "engine/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Of the changes in a record, so that the history has a bound. */
#define CHANGES_SIZE_MAX ((size_t)4096)

void drift_clear(struct drift *d) {
    lines_free(d->lines);
    *d = (struct drift){ 0 };
}

static void command_text(const struct watch_commit *commit, char ret[WATCH_COMMAND_MAX + 1]) {
    memcpy(ret, commit->command, WATCH_COMMAND_MAX);
    ret[WATCH_COMMAND_MAX] = '\0';
}

void drift_suspect(const struct watch_commit *commit, struct witness *w) {
    char command[WATCH_COMMAND_MAX + 1];

    command_text(commit, command);
    witness_call(w, (pid_t)commit->pid, command);
}

void drift_blame(struct drift *d, const struct watch_commit *commit, struct witness *w) {
    char command[WATCH_COMMAND_MAX + 1];

    drift_suspect(commit, w); /* if there was no time yet */
    command_text(commit, command);
    d->pid = commit->pid;
    process_text(command, d->command, sizeof(d->command));
    if (!witness_answer(w, (pid_t)d->pid, &d->process))
        process_look((pid_t)d->pid, command, &d->process);
}

/* What was found out, in the record and, where it has a name there, in the journal. */
struct detail {
    const char *member, *field;
    const char *text; /* "": unknown */
    bool has_number;  /* it is a number */
    uint64_t number;
};

enum { DETAILS = 13 };

static void details(const struct drift *d, struct detail ret[static DETAILS]) {
    const struct process *p = &d->process;
    const struct detail all[] = {
        { "pid", "PORTD_PID", "", d->pid, d->pid },
        { "command", "PORTD_COMMAND", d->command, false, 0 },
        { "command_line", "PORTD_COMMAND_LINE", p->command_line, false, 0 },
        { "uid", "PORTD_UID", "", p->has_uid, p->uid },
        { "login_uid", "PORTD_LOGIN_UID", "", p->has_login_uid, p->login_uid },
        { "unit", "PORTD_UNIT", p->unit, false, 0 },
        { "parent_pid", "PORTD_PARENT_PID", "", p->parent_pid, (uint64_t)p->parent_pid },
        { "parent_command", "PORTD_PARENT_COMMAND", p->parent_command, false, 0 },
        { "parent_command_line", "PORTD_PARENT_COMMAND_LINE", p->parent_command_line, false, 0 },
        { "parent_unit", "PORTD_PARENT_UNIT", p->parent_unit, false, 0 },
        { "repaired_usec", "PORTD_REPAIRED_USEC", "", d->repaired_usec, d->repaired_usec },
        { "number", "PORTD_NUMBER", "", d->at.number, d->at.number },
        { "chain", "PORTD_CHAIN", d->at.digest, false, 0 },
    };

    static_assert(ARRAY_SIZE(all) == DETAILS, "a detail has no place");
    memcpy(ret, all, sizeof(all));
}

static int set_detail(json_t *o, const struct detail *d) {
    if (d->has_number)
        return json_object_set_new(o, d->member, json_integer((json_int_t)d->number));
    return d->text[0] ? json_object_set_new(o, d->member, json_string(d->text)) : 0;
}

/* As many as fit, and how many more there were. */
static json_t *changes_json(const struct drift *d) {
    json_t *list = json_array();
    size_t i = 0, size = 0;
    char more[32];
    int r = list ? 0 : -1;

    for (; r == 0 && i < d->n_lines && size + strlen(d->lines[i]) < CHANGES_SIZE_MAX; i++) {
        size += strlen(d->lines[i]);
        r = json_array_append_new(list, json_string(d->lines[i]));
    }
    snprintf(more, sizeof(more), "and %zu more", d->n_lines - i);
    if (r == 0 && i < d->n_lines)
        r = json_array_append_new(list, json_string(more));
    return json_whole(list, r);
}

json_t *drift_json(const struct drift *d) {
    struct detail all[DETAILS];
    char time[CLOCK_TEXT_SIZE];
    json_t *o = json_pack("{s:s, s:o}", "time", clock_format(d->seen_usec, time), "changes",
                          changes_json(d));
    int r = 0;

    details(d, all);
    for (size_t i = 0; o && r == 0 && i < DETAILS; i++)
        r = set_detail(o, &all[i]);
    return json_whole(o, r);
}

void drift_log(const struct drift *d) {
    char numbers[DETAILS][24], pid[24] = "?";
    struct log_field fields[DETAILS + 1];
    struct detail all[DETAILS];

    details(d, all);
    for (size_t i = 0; i < DETAILS; i++) {
        snprintf(numbers[i], sizeof(numbers[i]), "%" PRIu64, all[i].number);
        fields[i] = (struct log_field){ all[i].field, all[i].has_number ? numbers[i]
                                                      : all[i].text[0]  ? all[i].text
                                                                        : NULL };
    }
    fields[DETAILS] = (struct log_field){ "PORTD_CHANGE", d->n_lines ? d->lines[0] : NULL };
    if (d->pid)
        snprintf(pid, sizeof(pid), "%" PRIu32, d->pid);
    log_event(LOG_WARNING, LOG_ID_DRIFT, fields, ARRAY_SIZE(fields),
              "drift: %s[%s] changed the table: %s%s; %s", d->command[0] ? d->command : "somebody",
              pid, d->n_lines ? d->lines[0] : "nothing that can be told",
              d->n_lines > 1 ? " and more" : "", d->repaired_usec ? "repaired" : "not repaired");
}
