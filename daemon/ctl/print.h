/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_PRINT_H
#define PORTD_CTL_PRINT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Answers as text on stdout. The shapes are those of io.portd.varlink; what is missing in them is
 * left out. Their strings went through screen_make_safe(). */

/* As it is, a line (`is_line`) or indented; ASCII only, so that it is safe on any terminal. */
void print_json(json_t *answer, bool is_line);

/* Reply of Status. */
void print_status(json_t *status);
/* []Flow, []Name, []DriftRecord */
void print_flows(json_t *flows);
void print_names(json_t *names);
void print_drifts(json_t *drifts);
/* Reply of VerifyHistory. */
void print_verification(json_t *answer);
/* []Listening */
void print_listening(json_t *services);
bool listening_is_fine(json_t *services); /* others drop none of them */
/* Reply of Audit. */
void print_audit(json_t *audit);
bool audit_is_fine(json_t *audit); /* the policy holds for all that was found */
/* Reply of Denied: as a table, and what is not in it. */
void print_denials(json_t *answer);
/* The same as it comes, a line each, the oldest first; `would`: only what is not denied yet. */
void print_denials_news(json_t *answer, bool would);
/* Reply of Plan; PlannedHost. */
void print_plan(json_t *answer);
void print_planned(json_t *planned, const char *indent);
/* []GrantRecord */
void print_grants(json_t *grants);
/* Explanation */
void print_explanation(json_t *explanation);
/* []Warning, each "! text → hint" behind `indent`. */
void print_warnings(json_t *warnings, const char *indent);
/* Words in lines that fit the screen, the first behind `label`, the others as far to the right. */
void print_paragraph(const char *label, const char *text);
/* []string, a line each behind `indent`. */
void print_lines(json_t *lines, const char *indent);
/* Reply of Watch, one line. */
void print_event(json_t *event);
/* Mistake: "site.json:42:17: /hosts/acd-lb1: …". */
void print_mistake(json_t *mistake, FILE *f);

/* "nft[3312] root", "nft[3312] root (login anna)" of a DriftRecord, malloc'ed; NULL when memory is
 * out. */
char *drift_author(json_t *drift);

/* Strings of an object; "" when it isn't there. */
const char *member_text(json_t *object, const char *key);
/* A []string as "a, b", malloc'ed. */
char *member_list(json_t *object, const char *key, const char *separator);

#endif
