/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In portd-denied's place: says what a file says, and what it says last again and again if the file
 * ends so.
 *
 * /run/lab/lie: pieces, each with its length before it (two bytes); 0xffff: again from the first.
 */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LIE "/run/lab/lie"

static uint8_t lie[1 << 20];

static size_t lie_read(void) {
    FILE *f = fopen(LIE, "rb");
    size_t n = f ? fread(lie, 1, sizeof(lie), f) : 0;

    if (f)
        fclose(f);
    return n;
}

static void say(const uint8_t *bytes, size_t n) {
    struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };

    while (write(STDOUT_FILENO, bytes, n) < 0)
        if (poll(&out, 1, -1) < 0 || out.revents & (POLLHUP | POLLERR))
            exit(0);
}

int main(void) {
    size_t n, at = 0;
    uint16_t size;

    while ((n = lie_read()) == 0)
        (void)poll(NULL, 0, 20);
    while (at + sizeof(size) <= n) {
        memcpy(&size, lie + at, sizeof(size));
        at += sizeof(size);
        if (size == UINT16_MAX) {
            at = 0;
            continue;
        }
        say(lie + at, size);
        at += size;
    }
    for (;;)
        pause();
}
