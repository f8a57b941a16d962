/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_LAB_EVALUATOR_H
#define PORTD_LAB_EVALUATOR_H

#include "ports.h"
#include "table.h"

#include "base/macros.h"

/* What the engine says, asked in the words of the hand table: policies and site compiled for each
 * host that runs portd. Hosts are indexes of the table. */
struct evaluator;

/* Borrows `t`. NULL after a message: files that don't load, or other hosts than the table's. */
struct evaluator *evaluator_new(const char *site, const char *policy_dir, const struct table *t);
struct evaluator *evaluator_free(struct evaluator *e);
DEFINE_CLEANUP(struct evaluator *, evaluator_free);

/* All ports that host `self`, which runs portd, opens towards (egress) or from (ingress) `other`.
 * Set are the elements of `only` (NULL: all), of LAB_ECHO only element 0. */
void evaluator_open_ports(const struct evaluator *e, enum lab_end end, size_t self,
                          const struct table_host *other, enum lab_family f, enum lab_protocol p,
                          const struct ports *only, bool ret_open[static LAB_PORTS]);
enum lab_verdict evaluator_verdict(const struct evaluator *e, size_t x, size_t y, enum lab_family f,
                                   enum lab_protocol p, uint16_t port);
/* A datagram from `x` to an IPv4 broadcast address: does `self`, which is `x` itself (egress) or
 * a receiver, let it pass? */
bool evaluator_allows_broadcast(const struct evaluator *e, enum lab_end end, size_t self, size_t x,
                                const uint8_t address[static 4], uint16_t port);

/* Adds the ports of all flows. */
void evaluator_add_ports(const struct evaluator *e, struct ports *ports);

#endif
