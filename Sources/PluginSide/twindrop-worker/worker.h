// SPDX-License-Identifier: Apache-2.0
// The parts of the worker, which is one thread and one plugin instance: all state is static.
#ifndef TWINDROP_WORKER_H
#define TWINDROP_WORKER_H

#include "twindrop_plugin.h"
#include "twindrop_wire.h"

#include <stddef.h>
#include <stdint.h>

#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

// sandbox.c, calls.c: sets up `wanted` layers of the sandbox; returns those in force. Ends the process when a limit, which
// every kernel has, cannot be set.
uint32_t sandbox_enter(uint32_t wanted, uint64_t address_space, uint32_t descriptors);
int sandbox_filter_calls(void);

// frames.c: whole frames to the host. They end the process when the host is gone.
void frame_send(uint8_t type, const void *head, size_t head_length, const void *tail, size_t tail_length);
void frame_write(const void *bytes, size_t length);
void frame_error(int32_t status, int64_t offset, const char *message, size_t length);
// Sends a heartbeat when no frame was sent for two seconds. Cheap: reads a coarse clock.
void frame_beat(uint64_t bytes_done);
// The one place that retries a call a signal interrupted.
#define RETRY(call) __extension__({ long long r_; do { r_ = (call); } while (r_ < 0 && errno == EINTR); r_; })

// config.c: settings and lookup tables of OPEN.
int config_load(int descriptor);
td_text config_settings(const td_host *host);
int32_t config_lookup(const td_host *host, td_text table, td_text key, td_text *value);

// keys.c: names and their numbers.
int keys_define(const uint8_t *bytes, size_t length);  // a key of OPEN
td_key keys_number(const td_host *host, td_text name);
td_text keys_name(td_key key);
uint32_t keys_count(void);
// Names not yet sent, as `key` entries in one KEYS frame; continues `hash`.
uint64_t keys_flush(uint64_t hash);
int text_is_utf8(const uint8_t *bytes, size_t length);  // strict, without NUL

// input.c: the file in hand.
void input_begin(int descriptor, uint64_t size, const uint8_t *name, size_t length);
void input_end(void);
int64_t input_read(const td_host *host, void *buffer, size_t capacity);
td_text input_name(const td_host *host);
uint64_t input_size(const td_host *host);
int32_t input_cancelled(const td_host *host);
void input_progress(const td_host *host, uint64_t bytes_done);
uint64_t input_done(void);

// digest.c: `digits` hexadecimal digits of the SHA-256 of `length` bytes, at most 64.
void digest_hex(const void *bytes, size_t length, char *hex, int digits);

// output.c, values.c: the operation stream.
int output_allocate(void);
void output_begin(uint64_t operations_max);
td_status output_status(void);
void output_finish(void);  // the last OPS frame and END
void output_install(td_host *host);
void values_install(td_host *host);

// message.c: log(), and fail() with the message that goes with an ERROR.
void message_install(td_host *host);
void message_clear(void);
void message_set(int64_t offset, const char *format, ...) __attribute__((format(printf, 2, 3)));
int message_is_set(void);
void message_send(int32_t status);

// plugin.c: loads the library and runs it.
const td_plugin *plugin_load(void);

#endif
