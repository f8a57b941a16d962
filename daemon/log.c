/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>

#define FIELDS_MAX 16U

static bool to_journal;

/* JOURNAL_STREAM is "device:inode" of the stream: stderr may have been redirected since. */
static bool stderr_is_journal(void) {
    const char *stream = getenv("JOURNAL_STREAM");
    unsigned long long device, inode;
    struct stat st;

    return stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
}

void log_open(void) {
    to_journal = stderr_is_journal();
}

static void send_journal(int priority, const char *id, const struct log_field *fields, size_t n,
                         const char *message) {
    char *texts[FIELDS_MAX + 3] = { 0 };
    struct iovec iov[FIELDS_MAX + 3];
    struct log_field all[FIELDS_MAX + 3] = { { "MESSAGE", message }, { "MESSAGE_ID", id } };
    char level[2] = { (char)('0' + priority), 0 };
    int count = 0;

    all[2] = (struct log_field){ "PRIORITY", level };
    for (size_t i = 0; i < n && i < FIELDS_MAX; i++)
        all[i + 3] = fields[i];
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        if (!all[i].value || asprintf(&texts[count], "%s=%s", all[i].name, all[i].value) < 0)
            continue;
        iov[count] = (struct iovec){ texts[count], strlen(texts[count]) };
        count++;
    }
    (void)sd_journal_sendv(iov, count);
    for (int i = 0; i < count; i++)
        free(texts[i]);
}

void log_event(int priority, const char *id, const struct log_field *fields, size_t n,
               const char *format, ...) {
    _cleanup_(freep) char *message = NULL;
    va_list ap;
    int r;

    va_start(ap, format);
    r = vasprintf(&message, format, ap);
    va_end(ap);
    if (r < 0) {
        message = NULL;
        return;
    }
    if (to_journal)
        send_journal(priority, id, fields, n, message);
    else
        fprintf(stderr, "%s: %s\n", program_invocation_short_name, message);
}

void log_report(int priority, const struct report *r) {
    for (size_t i = 0; i < r->n_entries; i++) {
        _cleanup_(freep) char *text = report_entry_text(&r->entries[i]);

        if (text)
            log_event(priority, NULL, NULL, 0, "%s", text);
    }
    if (r->n_dropped)
        log_event(priority, NULL, NULL, 0, "and %zu more", r->n_dropped);
}
