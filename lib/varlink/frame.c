/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The input reads into one buffer and hands messages out in place: no copy a message, and the
 * ceiling is the buffer's size, so that no peer can make it grow further. `scanned` keeps a
 * message that comes byte by byte from being searched from its start each time. */
#include "varlink/frame.h"

#include <errno.h>
#include <string.h>

#define ROOM_MIN 4096U
/* An emptied output keeps a buffer up to this size for the next reply. */
#define OUTPUT_KEEP ((size_t)16 << 10)

static void input_compact(struct frame_input *in) {
    if (in->begin == 0)
        return;
    memmove(in->bytes, in->bytes + in->begin, in->end - in->begin);
    in->end -= in->begin;
    in->scanned -= in->begin;
    in->begin = 0;
}

void *frame_input_room(struct frame_input *in, size_t *ret_size) {
    input_compact(in);
    if (in->capacity - in->end < ROOM_MIN && in->capacity < in->max + 1) {
        size_t capacity = in->capacity ? in->capacity * 2 : ROOM_MIN;
        char *bytes;

        if (capacity > in->max + 1)
            capacity = in->max + 1;
        bytes = realloc(in->bytes, capacity);
        if (!bytes)
            return NULL;
        in->bytes = bytes;
        in->capacity = capacity;
    }
    *ret_size = in->capacity - in->end;
    return in->bytes + in->end;
}

void frame_input_filled(struct frame_input *in, size_t n) {
    in->end += n;
}

/* The NUL of the message that waits, or NULL. */
static const char *input_end(struct frame_input *in) {
    const char *nul;

    if (in->scanned == in->end)
        return NULL;
    nul = memchr(in->bytes + in->scanned, '\0', in->end - in->scanned);
    in->scanned = nul ? (size_t)(nul - in->bytes) : in->end;
    return nul;
}

int frame_input_next(struct frame_input *in, const char **ret_text, size_t *ret_size) {
    const char *nul = input_end(in);

    if (!nul)
        return in->end - in->begin > in->max ? FRAME_E_TOO_LARGE : FRAME_E_MORE;
    *ret_text = in->bytes + in->begin;
    *ret_size = (size_t)(nul - *ret_text);
    in->begin = in->scanned = in->scanned + 1;
    return 0;
}

bool frame_input_is_ready(struct frame_input *in) {
    return input_end(in);
}

void frame_input_clear(struct frame_input *in) {
    free(in->bytes);
    *in = (struct frame_input){ .max = in->max };
}

static int output_reserve(struct frame_output *out, size_t more) {
    size_t capacity = out->capacity ? out->capacity : ROOM_MIN;
    char *bytes;

    if (out->begin > 0) {
        memmove(out->bytes, out->bytes + out->begin, out->end - out->begin);
        out->end -= out->begin;
        out->begin = 0;
    }
    if (more <= out->capacity - out->end)
        return 0;
    while (capacity - out->end < more)
        capacity *= 2;
    bytes = realloc(out->bytes, capacity);
    if (!bytes)
        return -ENOMEM;
    out->bytes = bytes;
    out->capacity = capacity;
    return 0;
}

int frame_output_add(struct frame_output *out, const char *text, size_t size) {
    int r;

    r = output_reserve(out, size + 1);
    if (r < 0)
        return r;
    memcpy(out->bytes + out->end, text, size);
    out->end += size;
    out->bytes[out->end++] = '\0';
    return 0;
}

const char *frame_output_pending(const struct frame_output *out, size_t *ret_size) {
    *ret_size = out->end - out->begin;
    return *ret_size ? out->bytes + out->begin : NULL;
}

void frame_output_sent(struct frame_output *out, size_t n) {
    out->begin += n;
    if (out->begin < out->end)
        return;
    out->begin = out->end = 0;
    if (out->capacity > OUTPUT_KEEP)
        frame_output_clear(out);
}

void frame_output_clear(struct frame_output *out) {
    free(out->bytes);
    *out = (struct frame_output){ 0 };
}
