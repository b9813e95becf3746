// SPDX-License-Identifier: Apache-2.0
// The buffer of the operation stream, for output.c and values.c: the hot path of every plugin.
//
// Writers compare `at` with `limit` and nothing else. Whenever nothing may be written (no operation is open, an error is
// sticky, the record is refused) `limit` is the buffer's start, so that the one comparison sends them to output_room, which
// finds out why.
#ifndef TWINDROP_OUTPUT_H
#define TWINDROP_OUTPUT_H

#include "worker.h"

enum { SCALAR_MAX = 40 };  // the longest key, type and value of fixed size

typedef struct output_state {
    uint8_t *at;         // the next byte
    uint8_t *limit;      // see above
    uint8_t *base;       // the first byte of the payload; TD_WIRE_HEADER bytes before it are ours
    uint8_t *end;        // base + TD_WIRE_FRAME_MAX; at least SCALAR_MAX bytes behind it are ours
    uint8_t *record;     // the current record's entry, NULL before the first
    uint8_t *body;       // behind the current record's entry
    uint8_t *operation;  // the open operation, NULL when none is
    uint64_t operations;
    uint64_t operations_max;
    uint64_t operations_before;  // when the current record began
    uint64_t records;
    uint64_t position;  // end of the record or span before
    uint64_t hash;
    td_status status;  // sticky
    uint8_t active;    // in transform()
    uint8_t refused;   // the current record: whatever it says is dropped
    uint8_t spans;     // a span stands among the current record's entries
    uint8_t bare;      // the open operation takes no properties (delete)
} output_state;

extern output_state output;

// Makes room for `need` bytes at `at`: sends the records that are complete. 0 when they may not be written: then the reason
// is sticky, or the record is refused.
int output_room(size_t need);
// Refuses the current record in the host's name, as reject() does in the plugin's: the content of a record is never a failure.
void output_refuse(const char *code, const char *message);
// Makes the status sticky; the first one counts.
void output_fail(td_status status, const char *message);

static inline uint8_t *put_varint(uint8_t *at, uint64_t value) {
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint64_t zigzag(int64_t value) { return ((uint64_t)value << 1) ^ (uint64_t)(value >> 63); }

// Short texts are the rule: two overlapping words beat a call.
static inline uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t length) {
    const uint8_t *from = bytes;
    if (length >= 8 && length <= 16) {
        memcpy(at, from, 8);
        memcpy(at + length - 8, from + length - 8, 8);
    } else if (length >= 4 && length < 8) {
        memcpy(at, from, 4);
        memcpy(at + length - 4, from + length - 4, 4);
    } else if (length < 4) {
        for (size_t i = 0; i < length; i++) at[i] = from[i];
    } else {
        memcpy(at, from, length);
    }
    return at + length;
}

static inline uint8_t *put_text(uint8_t *at, td_text text) {
    return put_bytes(put_varint(at, text.length), text.bytes, text.length);
}

#endif
