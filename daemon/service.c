/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/service.h"

#include "base/macros.h"
#include "daemon/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#define BUSY_USEC    ((uint64_t)300 * 1000000)
#define BARRIER_USEC ((uint64_t)1000000)

void service_ready(void) {
    (void)sd_notify(0, "READY=1");
}

void service_reloading(void) {
    (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, clock_monotonic());
}

void service_stopping(void) {
    (void)sd_notify(0, "STOPPING=1");
}

void service_status(const char *text) {
    (void)sd_notifyf(0, "STATUS=%s", text);
}

static void set_watchdog(uint64_t more_usec) {
    uint64_t usec;

    if (sd_watchdog_enabled(0, &usec) > 0)
        (void)sd_notifyf(0, "WATCHDOG=1\nWATCHDOG_USEC=%" PRIu64, usec + more_usec);
}

void service_busy(void) {
    (void)sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, BUSY_USEC);
    set_watchdog(BUSY_USEC);
}

void service_idle(uint64_t turn_usec) {
    set_watchdog(turn_usec);
}

static int *stored_place(struct stored *s, const char *name) {
    return strcmp(name, SERVICE_OWNER) == 0      ? &s->owner
           : strcmp(name, SERVICE_LISTENER) == 0 ? &s->listener
                                                 : NULL;
}

void service_take_stored(struct stored *ret) {
    char **names = NULL;
    int n = sd_listen_fds_with_names(1, &names);

    *ret = (struct stored){ .owner = -1, .listener = -1 };
    for (int i = 0; i < n; i++) {
        int *place = stored_place(ret, names[i]);

        if (place && *place < 0)
            *place = SD_LISTEN_FDS_START + i;
        else
            fd_close(SD_LISTEN_FDS_START + i);
        free(names[i]);
    }
    free((void *)names);
}

/* FDPOLL=0: an error of the socket must not empty the store. */
int service_store(const char *name, int fd) {
    char text[64];

    snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
    return sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

void service_unstore(const char *name) {
    (void)sd_notifyf(0, "FDSTOREREMOVE=1\nFDNAME=%s", name);
    (void)sd_notify_barrier(0, BARRIER_USEC);
}
