// SPDX-License-Identifier: Apache-2.0
// What the plugin says to people: log lines, and the message of a failure.
#define _GNU_SOURCE
#include "worker.h"

#include <stdarg.h>
#include <stdio.h>

enum { MESSAGE_MAX = 4096, LOG_LINE_MAX = 16384 };

static struct {
    char text[MESSAGE_MAX];
    size_t length;
    int64_t offset;
} failure = {.offset = -1};

void message_clear(void) {
    failure.length = 0;
    failure.offset = -1;
}

int message_is_set(void) { return failure.length > 0; }

void message_set(int64_t offset, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(failure.text, sizeof failure.text, format, arguments);
    va_end(arguments);
    failure.length = length < 0 ? 0 : (size_t)length < sizeof failure.text ? (size_t)length : sizeof failure.text - 1;
    failure.offset = offset;
}

void message_send(int32_t status) { frame_error(status, failure.offset, failure.text, failure.length); }

static void host_fail(const td_host *host, td_text message, int64_t offset) {
    (void)host;
    failure.length = message.length < MESSAGE_MAX ? message.length : MESSAGE_MAX;
    if (failure.length) memcpy(failure.text, message.bytes, failure.length);
    failure.offset = offset < 0 ? -1 : offset;
}

static void host_log(const td_host *host, td_level level, td_text message) {
    (void)host;
    uint8_t small = level < TD_DEBUG || level > TD_ERROR ? (uint8_t)TD_INFO : (uint8_t)level;
    // The host counts and cuts: it must not believe a count of ours.
    frame_send(TD_WIRE_LOG, &small, 1, message.bytes, message.length < LOG_LINE_MAX ? message.length : LOG_LINE_MAX);
}

void message_install(td_host *host) {
    host->fail = host_fail;
    host->log = host_log;
}
