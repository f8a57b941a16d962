/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_BASE_MACROS_H
#define PORTD_BASE_MACROS_H

#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#define ARRAY_SIZE(a)  (sizeof(a) / sizeof(*(a)))
#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))

/* Moves ownership out of a local: the local is NULL (or -1) afterwards. */
#define TAKE_PTR(p)                                                                                \
    ({                                                                                             \
        __typeof__(p) _taken = (p);                                                                \
        (p) = NULL;                                                                                \
        _taken;                                                                                    \
    })
#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int _taken = (fd);                                                                         \
        (fd) = -1;                                                                                 \
        _taken;                                                                                    \
    })

/* DEFINE_CLEANUP(struct watch *, watch_free) gives watch_freep() for _cleanup_(). */
#define DEFINE_CLEANUP(type, func)                                                                 \
    static inline _unused_ void func##p(type *p) {                                                 \
        if (*p)                                                                                    \
            *p = func(*p);                                                                         \
    }

static inline _unused_ void freep(void *p) {
    free(*(void **)p);
}

static inline _unused_ int fd_close(int fd) {
    if (fd >= 0)
        close(fd);
    return -1;
}

static inline _unused_ void closep(const int *fd) {
    fd_close(*fd);
}

#endif
