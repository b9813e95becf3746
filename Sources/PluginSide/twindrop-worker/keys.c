// SPDX-License-Identifier: Apache-2.0
// Interned names: number 1 is the first. The table opens with what the host knows of the source; new names are told to the
// host in KEYS frames before the operations that use them.
#define _GNU_SOURCE
#include "worker.h"

#include <stdlib.h>

typedef struct {
    uint8_t *bytes;
    uint32_t length;
} name;

static struct {
    name *names;  // number n at n - 1
    uint32_t count;
    uint32_t room;
    uint32_t sent;       // numbers the host knows
    uint32_t *slots;     // open addressing: number, or 0
    uint32_t slot_mask;  // slots - 1
} keys;

// Strict UTF-8 (no surrogates, no overlong forms, at most U+10FFFF) without NUL.
int text_is_utf8(const uint8_t *at, size_t length) {
    const uint8_t *end = at + length;
    while (at < end) {
        uint8_t lead = *at++;
        if (lead == 0) return 0;
        if (lead < 0x80) continue;
        int more = lead >= 0xC2 && lead <= 0xDF ? 1 : lead >= 0xE0 && lead <= 0xEF ? 2 : lead >= 0xF0 && lead <= 0xF4 ? 3 : 0;
        if (more == 0 || end - at < more) return 0;
        if ((lead == 0xE0 && at[0] < 0xA0) || (lead == 0xED && at[0] > 0x9F)) return 0;
        if ((lead == 0xF0 && at[0] < 0x90) || (lead == 0xF4 && at[0] > 0x8F)) return 0;
        for (int i = 0; i < more; i++)
            if ((*at++ & 0xC0) != 0x80) return 0;
    }
    return 1;
}

static uint32_t *slot(const uint8_t *bytes, size_t length) {
    uint32_t at = (uint32_t)td_wire_hash(TD_WIRE_SEED, bytes, length) & keys.slot_mask;
    while (keys.slots[at]) {
        const name *known = &keys.names[keys.slots[at] - 1];
        if (known->length == length && memcmp(known->bytes, bytes, length) == 0) break;
        at = (at + 1) & keys.slot_mask;
    }
    return &keys.slots[at];
}

static int grow(void) {
    uint32_t room = keys.room ? keys.room * 2 : 64;
    name *names = realloc(keys.names, room * sizeof *names);
    if (!names) return 0;
    keys.names = names;
    uint32_t *slots = calloc((size_t)room * 2, sizeof *slots);
    if (!slots) return 0;
    free(keys.slots);
    keys.slots = slots;
    keys.slot_mask = room * 2 - 1;
    keys.room = room;
    for (uint32_t i = 0; i < keys.count; i++) *slot(keys.names[i].bytes, keys.names[i].length) = i + 1;
    return 1;
}

static td_key add(const uint8_t *bytes, size_t length) {
    if (keys.count == TD_KEYS_MAX) return 0;
    if (keys.count == keys.room && !grow()) return 0;
    uint32_t *place = slot(bytes, length);
    if (*place) return *place;
    uint8_t *copy = malloc(length);
    if (!copy) return 0;
    memcpy(copy, bytes, length);
    keys.names[keys.count] = (name){copy, (uint32_t)length};
    return *place = ++keys.count;
}

int keys_define(const uint8_t *bytes, size_t length) {
    uint32_t before = keys.count;
    if (length == 0 || length > TD_WIRE_KEY_BYTES_MAX || add(bytes, length) != before + 1) return 0;
    keys.sent = keys.count;
    return 1;
}

td_key keys_number(const td_host *host, td_text text) {
    (void)host;
    const uint8_t *bytes = (const uint8_t *)text.bytes;
    if (text.length == 0 || text.length > TD_WIRE_KEY_BYTES_MAX) return 0;
    if (keys.count) {
        uint32_t known = *slot(bytes, text.length);
        if (known) return known;
    }
    return text_is_utf8(bytes, text.length) ? add(bytes, text.length) : 0;
}

td_text keys_name(td_key key) {
    const name *known = &keys.names[key - 1];
    return (td_text){(const char *)known->bytes, known->length};
}

uint32_t keys_count(void) { return keys.count; }

uint64_t keys_flush(uint64_t hash) {
    static uint8_t buffer[TD_WIRE_HEADER + (64 << 10)];
    while (keys.sent < keys.count) {
        uint8_t *at = buffer + TD_WIRE_HEADER;
        const uint8_t *end = buffer + sizeof buffer - TD_WIRE_KEY_BYTES_MAX - 8;
        while (keys.sent < keys.count && at < end) {
            const name *next = &keys.names[keys.sent++];
            *at++ = TD_ENTRY_KEY;
            uint32_t length = next->length;
            for (; length >= 0x80; length >>= 7) *at++ = (uint8_t)(length | 0x80);
            *at++ = (uint8_t)length;
            memcpy(at, next->bytes, next->length);
            at += next->length;
        }
        uint32_t payload = (uint32_t)(at - buffer - TD_WIRE_HEADER);
        memcpy(buffer, &payload, 4);
        buffer[4] = TD_WIRE_KEYS;
        hash = td_wire_hash(hash, buffer + TD_WIRE_HEADER, payload);
        frame_write(buffer, TD_WIRE_HEADER + payload);
    }
    return hash;
}
