/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DAEMON_SERVICE_H
#define PORTD_DAEMON_SERVICE_H

#include <stdint.h>

/* What the service manager is told (sd_notify(3)), and what it keeps for us while we restart
 * (FileDescriptorStoreMax= of systemd.service(5)). Without a service manager none of it does
 * anything. The loop itself keeps the watchdog quiet. */

/* In force, read back and served; ends service_reloading(), too. */
void service_ready(void);
void service_reloading(void);
void service_stopping(void);
/* A line for "systemctl status". */
void service_status(const char *text);

/* Files are being loaded: for five minutes neither the watchdog nor the time of a start ends us. */
void service_busy(void);
/* That is over. A turn of the loop may take this much longer than the watchdog was told of. */
void service_idle(uint64_t turn_usec);

/* The descriptors that are kept: the socket that seals the table, and the one that listens. -1:
 * none. */
struct stored {
    int owner;
    int listener;
};

#define SERVICE_OWNER    "nft-owner"
#define SERVICE_LISTENER "listener"

/* Once, at the start. The caller owns them; what nobody knows is closed. */
void service_take_stored(struct stored *ret);
/* > 0: it is kept, whatever happens to it, until service_unstore(). */
int service_store(const char *name, int fd);
/* Back when the service manager has closed its copy. */
void service_unstore(const char *name);

#endif
