/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a stream is cut into reads changes neither its messages nor what they are parsed to. The
 * first byte of the input is the size of the reads, the rest is the stream. */
#include "varlink/frame.h"
#include "varlink/message.h"

#include <stdint.h>
#include <string.h>

#define CEILING 512U

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    uint64_t hash; /* FNV-1a of all messages with their ends */
    size_t n_messages, n_valid;
    int last;
};

static void take(struct outcome *o, const char *text, size_t size) {
    struct message m;

    for (size_t i = 0; i <= size; i++)
        o->hash = (o->hash ^ (uint8_t)text[i]) * 1099511628211U;
    o->n_messages++;
    for (enum message_kind kind = MESSAGE_CALL; kind <= MESSAGE_REPLY; kind++)
        if (message_parse(kind, text, size, &m) == 0) {
            o->n_valid++;
            message_clear(&m);
        }
}

static struct outcome run(const uint8_t *data, size_t size, size_t chunk) {
    struct frame_input in = { .max = CEILING };
    struct outcome o = { .last = FRAME_E_MORE };

    for (size_t at = 0; at < size && o.last == FRAME_E_MORE;) {
        size_t room, n, length;
        const char *text;
        void *to = frame_input_room(&in, &room);

        if (!to || room == 0)
            abort();
        n = chunk < room ? chunk : room;
        n = n < size - at ? n : size - at;
        memcpy(to, data + at, n);
        frame_input_filled(&in, n);
        at += n;
        while ((o.last = frame_input_next(&in, &text, &length)) == 0)
            take(&o, text, length);
    }
    frame_input_clear(&in);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct outcome whole, cut;

    if (size < 1)
        return 0;
    whole = run(data + 1, size - 1, SIZE_MAX);
    cut = run(data + 1, size - 1, data[0] + (size_t)1);
    if (whole.hash != cut.hash || whole.n_messages != cut.n_messages ||
        whole.n_valid != cut.n_valid || whole.last != cut.last)
        abort();
    return 0;
}
