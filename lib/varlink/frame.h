/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PORTD_VARLINK_FRAME_H
#define PORTD_VARLINK_FRAME_H

#include "base/macros.h"

#include <stdbool.h>
#include <stddef.h>

/* Varlink's framing: a message is a run of bytes ended by one NUL. Nothing here does I/O: whoever
 * owns the socket fills the input and empties the output. */

/* What a server takes as one message, the NUL not counted. */
#define FRAME_SIZE_MAX ((size_t)64 << 10)

/* Bytes that came in. Zeroed but for `max` it is empty; it never holds more than max + 1 bytes. */
struct frame_input {
    size_t max; /* bytes of one message, the NUL not counted */
    char *bytes;
    size_t begin, end, capacity;
    size_t scanned; /* no NUL stands before it */
};

/* Where to read the next bytes to, at least one unless a message is too large. NULL: -ENOMEM.
 * Moves what is buffered: messages taken before are gone. */
void *frame_input_room(struct frame_input *in, size_t *ret_size);
/* `n` bytes were read there. */
void frame_input_filled(struct frame_input *in, size_t n);

enum {
    FRAME_E_MORE = 1,      /* no whole message yet: read on */
    FRAME_E_TOO_LARGE = 2, /* the message is over the ceiling: nothing sensible can follow */
};
/* Takes the next message; its text ends with NUL and is valid until frame_input_room(). */
int frame_input_next(struct frame_input *in, const char **ret_text, size_t *ret_size);
/* A whole message waits. */
bool frame_input_is_ready(struct frame_input *in);
void frame_input_clear(struct frame_input *in);

/* Bytes to go out. Zeroed it is empty; it grows as needed. */
struct frame_output {
    char *bytes;
    size_t begin, end, capacity;
};

/* Appends a message and its NUL, whole or (-ENOMEM) not at all. */
int frame_output_add(struct frame_output *out, const char *text, size_t size);
/* What waits to be sent; *ret_size is 0 when nothing does. */
const char *frame_output_pending(const struct frame_output *out, size_t *ret_size);
/* The first `n` of these bytes were sent. */
void frame_output_sent(struct frame_output *out, size_t n);
void frame_output_clear(struct frame_output *out);

#endif
