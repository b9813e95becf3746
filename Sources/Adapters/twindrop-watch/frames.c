/* SPDX-License-Identifier: GPL-2.0-only */
#include "frames.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The longest frame is one event: two paths of at most PATH_MAX bytes and a few numbers. */
static unsigned char buffer[64 * 1024];
static size_t used;

void frame_flush(void) {
    size_t written = 0;
    while (written < used) {
        ssize_t count = write(STDOUT_FILENO, buffer + written, used - written);
        if (count < 0) {
            if (errno == EINTR) continue;
            _exit(errno == EPIPE ? 0 : 74);
        }
        written += (size_t)count;
    }
    used = 0;
}

void frame_bytes(const void *bytes, size_t length) {
    if (length > sizeof buffer - used) abort(); /* frame_begin made room: only a wrong length comes here. */
    memcpy(buffer + used, bytes, length);
    used += length;
}

void frame_number(uint32_t number) {
    const unsigned char bytes[4] = {(unsigned char)number, (unsigned char)(number >> 8), (unsigned char)(number >> 16),
                                    (unsigned char)(number >> 24)};
    frame_bytes(bytes, sizeof bytes);
}

void frame_begin(enum frame_type type, size_t length) {
    const unsigned char byte = (unsigned char)type;
    if (used + length + 5 > sizeof buffer) frame_flush();
    frame_number((uint32_t)length + 1);
    frame_bytes(&byte, 1);
}
