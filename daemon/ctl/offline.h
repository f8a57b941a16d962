/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_CTL_OFFLINE_H
#define PORTD_CTL_OFFLINE_H

#include "verb.h"

#include "engine/intent.h"
#include "files/files.h"

/* Answers from files. What is wrong is printed. */

/* Loads what --policy-dir and, `with_site`, --site say. */
enum status offline_load(const struct options *o, bool with_site, struct loaded *ret);

/* What the files mean for --host, else for this machine's hostname, full or short. */
enum status offline_intent(const struct options *o, const struct loaded *l, struct intent **ret);

#endif
