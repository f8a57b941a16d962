/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_LOG_H
#define PORTD_DAEMON_LOG_H

#include "base/macros.h"
#include "base/report.h"

#include <stddef.h>
#include <syslog.h>

/* To the journal with structured fields when the service manager connected us to it
 * (JOURNAL_STREAM, systemd.exec(5)), else as plain lines to stderr. */
void log_open(void);

/* A field of a journal entry, "PORTD_FLOW=jtel-acd/rest". See systemd.journal-fields(7). */
struct log_field {
    const char *name;
    const char *value; /* NULL: left out */
};

/* Message ids (systemd.journal-fields(7), MESSAGE_ID), stable. */
#define LOG_ID_APPLIED     "a94838167b11490e8da9cb9ecb083733"
#define LOG_ID_DRIFT       "7a05767325eb45a990cfacc9cd3105f0"
#define LOG_ID_REFUSED     "5617799cba42465ba6fdadcbe4e27793"
#define LOG_ID_DEGRADED    "3be0c484d1e443469620bdeee30f702e"
#define LOG_ID_HOSTILE     "f4a2c6e19d5b4d0c9a7e3b1f60c8d275"
#define LOG_ID_UNSEALED    "0b7d9f5e3a1c48e2b6d4f8a2c5e7901d"
#define LOG_ID_OFF         "c19467dc2c5940fd866326efc74004a4"
#define LOG_ID_HISTORY     "fb433832fe804d23bee7280349660328"
#define LOG_ID_GRANTED     "e7c1b0d24f6a4e58913d7a62c5f08b34"
#define LOG_ID_GRANT_ENDED "2a94d6f80b7c4135a8e0c3f15d7b6e92"
#define LOG_ID_HELD        "5d2a0c8e71f34b6b9a3c4f0e8d6b1927"

/* A reload that has to be confirmed. */
#define LOG_ID_UNCONFIRMED "c2f7a1b05e9d4c6f8a30d95b7e614f28"
#define LOG_ID_CONFIRMED   "83be4d1907f64a2c95ad6ef0c17b3a5e"
#define LOG_ID_ROLLED_BACK "e61a90d7c4b84f5fa2d8073b9ce5146f"

/* `id` may be NULL. */
void log_event(int priority, const char *id, const struct log_field *fields, size_t n,
               const char *format, ...) _printf_(5, 6);
void log_report(int priority, const struct report *r);

#define log_error(...) log_event(LOG_ERR, NULL, NULL, 0, __VA_ARGS__)
#define log_warn(...)  log_event(LOG_WARNING, NULL, NULL, 0, __VA_ARGS__)
#define log_info(...)  log_event(LOG_INFO, NULL, NULL, 0, __VA_ARGS__)

#endif
