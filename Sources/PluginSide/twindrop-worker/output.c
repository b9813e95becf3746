// SPDX-License-Identifier: Apache-2.0
// Records and operations into frames. A record is whole within one frame: frames are cut where a record begins.
#define _GNU_SOURCE
#include "output.h"

#include <stdio.h>
#include <stdlib.h>

// Cut here or later. Small enough to stay in the second-level cache on its way, large enough to make calls rare.
enum { FLUSH_AT = 128 << 10, END_SIZE = TD_WIRE_HEADER + (int)sizeof(td_wire_end) };

output_state output;

int output_allocate(void) {
    uint8_t *memory = malloc(TD_WIRE_HEADER + TD_WIRE_FRAME_MAX + SCALAR_MAX + END_SIZE);
    if (!memory) return 0;
    output.base = memory + TD_WIRE_HEADER;
    output.end = output.base + TD_WIRE_FRAME_MAX;
    output.at = output.limit = output.base;
    return 1;
}

void output_begin(uint64_t operations_max) {
    uint8_t *base = output.base, *end = output.end;
    output = (output_state){.at = base, .limit = base, .base = base, .end = end, .operations_max = operations_max,
                            .hash = TD_WIRE_SEED, .active = 1};
}

void output_fail(td_status status, const char *message) {
    if (output.status == TD_OK) {
        output.status = status;
        message_set((int64_t)output.position, "Record %llu: %s", (unsigned long long)output.records, message);
    }
    output.limit = output.base;
}

// An open operation has no length yet. If it were sent, its length would be old content of the buffer.
td_status output_status(void) {
    if (output.operation) output_fail(TD_INTERNAL, "transform() returned inside an operation. Call end() before.");
    return output.status;
}

// Sends [base, upto) as one frame, after the keys it may use, with `extra` bytes of a ready frame behind it.
static void send_until(uint8_t *upto, size_t extra) {
    output.hash = keys_flush(output.hash);
    uint32_t length = (uint32_t)(upto - output.base);
    if (length > 0) {
        uint8_t *frame = output.base - TD_WIRE_HEADER;
        memcpy(frame, &length, 4);
        frame[4] = TD_WIRE_OPS;
        frame_write(frame, TD_WIRE_HEADER + length + extra);
    } else if (extra > 0) {
        frame_write(upto, extra);
    }
}

static void hash_until(const uint8_t *upto) {
    if (upto > output.base) output.hash = td_wire_hash(output.hash, output.base, (size_t)(upto - output.base));
}

// Sends what is complete: everything before the current record.
static void flush(uint8_t *upto) {
    output.hash = keys_flush(output.hash);
    hash_until(upto);
    send_until(upto, 0);
    size_t shift = (size_t)(upto - output.base);
    memmove(output.base, upto, (size_t)(output.at - upto));
    output.at -= shift;
    if (output.record) output.record -= shift;
    if (output.body) output.body -= shift;
    if (output.operation) output.operation -= shift;
}

int output_room(size_t need) {
    if (output.status != TD_OK || output.refused) return 0;
    if (!output.operation) {
        output_fail(TD_INTERNAL, "a property was set outside an operation. Call begin_twin or begin_relationship first.");
        return 0;
    }
    if (output.bare) {
        output_fail(TD_INTERNAL, "a delete takes no properties. Call end() right after begin.");
        return 0;
    }
    if (output.record > output.base) flush(output.record);
    if (need <= (size_t)(output.end - output.at)) return 1;
    output_refuse("record-too-large", "The operations of this record are larger than 1 MiB. Split it, or shorten its texts.");
    return 0;
}

// Room for an entry outside operations; `current` when it belongs to the current record.
static int entry_room(size_t need, int current) {
    if (need <= (size_t)(output.end - output.at)) return 1;
    uint8_t *upto = current && output.record ? output.record : output.at;
    if (upto > output.base) flush(upto);
    if (need <= (size_t)(output.end - output.at)) return 1;
    output_fail(TD_LIMIT, "its entries are larger than 1 MiB. Split the record or shorten its texts.");
    return 0;
}

static int outside(const char *what) {
    if (output.status != TD_OK) return 1;
    if (!output.active || output.operation) {
        char text[160];
        const char *why = output.active ? "inside an operation. Call end() first." : "outside transform().";
        snprintf(text, sizeof text, "the plugin called %s %s", what, why);
        output_fail(TD_INTERNAL, text);
        return 1;
    }
    return 0;
}

static void host_record(const td_host *host, uint64_t offset, uint64_t length) {
    (void)host;
    if (outside("record()")) return;
    if (UNLIKELY(output.at - output.base >= FLUSH_AT)) flush(output.at);
    if (UNLIKELY((output.records & 255) == 255)) frame_beat(input_done());
    output.records++;
    if (output.end - output.at < SCALAR_MAX && !entry_room(SCALAR_MAX, 0)) return;
    output.record = output.at;
    *output.at++ = TD_ENTRY_RECORD;
    output.at = put_varint(output.at, zigzag((int64_t)(offset - output.position)));
    output.at = put_varint(output.at, length);
    output.body = output.at;
    output.position = offset + length;
    output.operations_before = output.operations;
    output.refused = output.spans = 0;
}

static void host_span(const td_host *host, td_span kind, uint64_t offset, uint64_t length, td_text name) {
    (void)host;
    if (outside("span()")) return;
    if (kind < TD_HEADER || kind > TD_REMAINDER || name.length > TD_WIRE_KEY_BYTES_MAX) {
        output_fail(TD_INTERNAL, "a span has an unknown kind or a name of more than 2048 bytes.");
        return;
    }
    if (!entry_room(SCALAR_MAX + name.length, 1)) return;
    *output.at++ = TD_ENTRY_SPAN;
    *output.at++ = (uint8_t)kind;
    output.at = put_varint(output.at, zigzag((int64_t)(offset - output.position)));
    output.at = put_varint(output.at, length);
    output.at = put_text(output.at, name);
    output.position = offset + length;
    output.spans = 1;
}

static uint64_t take_varint(const uint8_t **at) {
    uint64_t value = 0;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return value;
    }
}

// Takes the operations out of the current record, and leaves its spans.
static void withdraw(void) {
    uint8_t *keep = output.body;
    const uint8_t *at = output.body;
    const uint8_t *end = output.operation ? output.operation : output.at;
    while (output.spans && at < end) {
        const uint8_t *entry = at;
        if (*at != TD_ENTRY_SPAN) {
            uint32_t length;
            memcpy(&length, at + 1, 4);
            at += 5 + length;
            continue;
        }
        at += 2;
        take_varint(&at);
        take_varint(&at);
        uint64_t name = take_varint(&at);
        at += name;
        memmove(keep, entry, (size_t)(at - entry));
        keep += at - entry;
    }
    output.at = keep;
    output.operation = NULL;
    output.operations = output.operations_before;
}

static void host_reject(const td_host *host, td_text code, td_text message) {
    (void)host;
    if (output.status != TD_OK || output.refused) return;  // Of several reasons the first counts.
    if (!output.record) {
        output_fail(TD_INTERNAL, "a record was rejected before the first record(). Call record() first.");
        return;
    }
    if (code.length > 64) code.length = 64;
    if (message.length > 4096) {
        message.length = 4096;
        while (message.length && ((uint8_t)message.bytes[message.length] & 0xC0) == 0x80) message.length--;
    }
    withdraw();
    if (!entry_room(SCALAR_MAX + code.length + message.length, 1)) return;
    *output.at++ = TD_ENTRY_REJECT;
    output.at = put_text(output.at, code);
    output.at = put_text(output.at, message);
    output.refused = 1;
    output.limit = output.base;
}

void output_refuse(const char *code, const char *message) {
    host_reject(NULL, (td_text){code, strlen(code)}, (td_text){message, strlen(message)});
}

static void host_scope(const td_host *host, td_text scope) {
    (void)host;
    if (outside("scope()")) return;
    if (output.operations > 0 || scope.length > TD_WIRE_KEY_BYTES_MAX) {
        output_fail(TD_INTERNAL, "scope() comes before the first operation, with at most 2048 bytes.");
        return;
    }
    if (!entry_room(SCALAR_MAX + scope.length, 1)) return;
    *output.at++ = TD_ENTRY_SCOPE;
    output.at = put_text(output.at, scope);
}

void output_finish(void) {
    output.hash = keys_flush(output.hash);
    hash_until(output.at);
    td_wire_end end = {.records = output.records, .operations = output.operations, .hash = output.hash};
    uint32_t length = sizeof end;
    memcpy(output.at, &length, 4);  // Behind the payload there is room for this frame.
    output.at[4] = TD_WIRE_END;
    memcpy(output.at + TD_WIRE_HEADER, &end, sizeof end);
    send_until(output.at, END_SIZE);
    output.active = 0;
    output.at = output.limit = output.base;
}

void output_install(td_host *host) {
    host->record = host_record;
    host->span = host_span;
    host->reject = host_reject;
    host->scope = host_scope;
}
