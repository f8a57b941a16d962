/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_NFT_SURVEY_H
#define PORTD_NFT_SURVEY_H

#include "engine/foreign.h"

/* Reads what everybody has in nf_tables in this network namespace, and changes nothing. Has a
 * socket of its own, kept for life. */
struct survey;

int survey_open(struct survey **ret);
struct survey *survey_free(struct survey *s);
DEFINE_CLEANUP(struct survey *, survey_free);

/* The kernel's ruleset generation; any commit by anybody counts it up. */
int survey_generation(struct survey *s, uint32_t *ret);

/* All tables of the families inet, ip, ip6 and netdev, ours among them, under one generation.
 * What is beyond the ceilings of nft/collect.h is left out, and .is_cut says so. -EAGAIN: others
 * commit faster than we can read. */
int survey_read(struct survey *s, struct foreign **ret, uint32_t *ret_generation);

#endif
