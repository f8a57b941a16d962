/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_DENIED_FENCE_H
#define PORTD_DENIED_FENCE_H

/* What portd-denied finds open, and nothing else. */
enum { FENCE_NFLOG = 0, FENCE_PAIR = 1 };

/* From here on the process can receive from FENCE_NFLOG, write to FENCE_PAIR, wait for both, and
 * end; any other system call kills it (seccomp(2)). It has no capability, nobody can attach to it,
 * and it dies with its parent. 0 or -errno. */
int fence_raise(void);

#endif
