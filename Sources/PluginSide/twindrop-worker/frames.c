// SPDX-License-Identifier: Apache-2.0
// Frames to the host: `u32 length, u8 type, payload` on the result pipe.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

enum { BEAT_SECONDS = 2, SMALL = 64 };

static time_t last_frame;

static time_t now(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_MONOTONIC_COARSE, &time) < 0) return 0;  // Cannot fail on a kernel that has the clock.
    return time.tv_sec;
}

void frame_write(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    while (length > 0) {
        ssize_t count = RETRY(write(TD_WIRE_RESULT_FD, at, length));
        if (count <= 0) _exit(70);  // The host is gone, or the plugin closed the pipe, so nobody can get a message.
        at += count;
        length -= (size_t)count;
    }
    last_frame = now();
}

void frame_send(uint8_t type, const void *head, size_t head_length, const void *tail, size_t tail_length) {
    uint8_t start[TD_WIRE_HEADER + SMALL];
    uint32_t length = (uint32_t)(head_length + tail_length);
    memcpy(start, &length, 4);
    start[4] = type;
    if (head_length) memcpy(start + TD_WIRE_HEADER, head, head_length);  // `head` is a struct of the wire, below SMALL
    frame_write(start, TD_WIRE_HEADER + head_length);
    if (tail_length) frame_write(tail, tail_length);
}

void frame_error(int32_t status, int64_t offset, const char *message, size_t length) {
    td_wire_error error = {.status = status, .offset = offset};
    frame_send(TD_WIRE_ERROR, &error, sizeof error, message, length);
}

void frame_beat(uint64_t bytes_done) {
    if (now() - last_frame < BEAT_SECONDS) return;
    frame_send(TD_WIRE_HEARTBEAT, &bytes_done, sizeof bytes_done, NULL, 0);
}
