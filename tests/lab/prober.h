/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_LAB_PROBER_H
#define PORTD_LAB_PROBER_H

#include "ports.h"
#include "table.h"

#include "base/macros.h"

/* Real packets between network namespaces, all sent and received by this one process. */
struct prober;

/* Datagrams are sent from this port, where nothing listens: they never look like an answer. */
#define PROBER_SOURCE_PORT 61999U

/* Opens /run/netns/NAME of each host and listens there on all `ports`, TCP and UDP. Borrows both
 * arguments. Pins the process to one CPU: packets then stay in order. NULL after a message. */
struct prober *prober_new(const struct table *t, const struct ports *ports);
struct prober *prober_free(struct prober *p);
DEFINE_CLEANUP(struct prober *, prober_free);

/* What becomes of an ICMP echo from host `x` to host `y` (indexes of the table). Once the answer
 * is here, so is everything sent before: that is the fence of the batches below. */
enum lab_verdict prober_echo(struct prober *p, size_t x, size_t y, enum lab_family f);

/* One probe from `x` to each port of `y`. A probe for which `patient` says so and that has not
 * arrived behind the fence is sent again for up to two seconds. 0 or -errno: the lab is broken. */
int prober_batch(struct prober *p, size_t x, size_t y, enum lab_family f, enum lab_protocol proto,
                 const bool *patient, enum lab_verdict *ret);

/* Sends one datagram from `x` to an IPv4 broadcast address and one of the ports, and says which
 * hosts got it (the sender may get its own). LAB_ALLOWED: it left. */
int prober_cast(struct prober *p, size_t x, const uint8_t address[static 4], uint16_t port,
                bool *ret_got, enum lab_verdict *ret);

/* Packets that came when or where nobody expected them; has to stay 0. */
size_t prober_strays(const struct prober *p);
/* Probes that arrived only after they were sent again. */
size_t prober_retries(const struct prober *p);

#endif
