// SPDX-License-Identifier: Apache-2.0 The current file: a descriptor that only the worker has, read from its start.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <unistd.h>

static struct {
    int descriptor;
    uint64_t size;
    uint64_t done;
    size_t name_length;
    char name[TD_WIRE_NAME_MAX];
    uint32_t asked;  // calls of cancelled(), of which few look at the clock
} input = {.descriptor = -1};

void input_begin(int descriptor, uint64_t size, const uint8_t *name, size_t length) {
    input.descriptor = descriptor;
    input.size = size;
    input.done = 0;
    input.name_length = length;
    if (length) memcpy(input.name, name, length);
}

void input_end(void) {
    if (input.descriptor >= 0) close(input.descriptor);  // Read-only: nothing can be lost by its failure.
    input.descriptor = -1;
}

int64_t input_read(const td_host *host, void *buffer, size_t capacity) {
    (void)host;
    if (input.descriptor < 0) {
        message_set(-1, "The plugin called read() outside transform(). Read the input in transform() only.");
        return -1;
    }
    if (capacity > (1 << 30)) capacity = 1 << 30;
    ssize_t count = RETRY(read(input.descriptor, buffer, capacity));
    if (count < 0) {
        message_set((int64_t)input.done, "The input could not be read (%s). Check the disk under the state folder.",
                    strerrorname_np(errno));
        return -1;
    }
    input.done += (uint64_t)count;
    frame_beat(input.done);
    return count;
}

td_text input_name(const td_host *host) {
    (void)host;
    return (td_text){input.name, input.name_length};
}

uint64_t input_size(const td_host *host) {
    (void)host;
    return input.size;
}

// Always 0 in this version, because the host kills the process when the work is not wanted any more. It may send a heartbeat.
int32_t input_cancelled(const td_host *host) {
    (void)host;
    if (UNLIKELY((++input.asked & 255) == 0)) frame_beat(input.done);
    return 0;
}

void input_progress(const td_host *host, uint64_t bytes_done) {
    (void)host;
    input.done = bytes_done;
    frame_beat(bytes_done);
}

uint64_t input_done(void) { return input.done; }
