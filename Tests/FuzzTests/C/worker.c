// SPDX-License-Identifier: Apache-2.0
// Fuzz target "worker": what the worker reads, from both sides. Properties (docs/fuzzing.md, "Targets"):
//   - the memory file of OPEN, with any bytes in it, is taken or refused, and every lookup in it gives a text inside of it;
//   - a plugin that calls the host's functions in any order, with any texts, makes frames that are whole: no frame is over the
//     limit, each holds whole entries, a record never crosses frames, and END counts and hashes what was sent.
// One unit: the worker keeps its state in statics, which each input begins anew. frames.c is left out: frames go to `take`.
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define slot keys_slot
#include "../../../Sources/PluginSide/twindrop-worker/keys.c"
#undef slot
#define slot config_slot
#define mmap(address, length, protection, flags, descriptor, offset) read_exactly(descriptor, length)
static void *read_exactly(int descriptor, size_t length);
#include "../../../Sources/PluginSide/twindrop-worker/config.c"
#undef mmap
#undef slot
#include "../../../Sources/PluginSide/twindrop-worker/digest.c"
#include "../../../Sources/PluginSide/twindrop-worker/input.c"
#include "../../../Sources/PluginSide/twindrop-worker/message.c"
#include "../../../Sources/PluginSide/twindrop-worker/output.c"
#include "../../../Sources/PluginSide/twindrop-worker/values.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HOLDS(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
            abort(); \
        } \
    } while (0)

// MARK: what was sent

static struct {
    uint64_t records, operations, hash;
    uint32_t keys;
    int ended;
} sent;

static const uint8_t *past_varint(const uint8_t *at, const uint8_t *end, uint64_t *value) {
    *value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        HOLDS(at < end);
        uint8_t byte = *at++;
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80) return at;
    }
    HOLDS(!"a number of more than 64 bits");
    return at;
}

static const uint8_t *past_text(const uint8_t *at, const uint8_t *end) {
    uint64_t length;
    at = past_varint(at, end, &length);
    HOLDS(length <= (uint64_t)(end - at));
    return at + length;
}

static void take_entries(const uint8_t *at, const uint8_t *end) {
    uint64_t number;
    while (at < end) {
        uint8_t tag = *at++;
        switch (tag) {
        case TD_ENTRY_RECORD:
            at = past_varint(past_varint(at, end, &number), end, &number);
            sent.records++;
            break;
        case TD_ENTRY_SPAN:
            HOLDS(at < end);
            at = past_text(past_varint(past_varint(at + 1, end, &number), end, &number), end);
            break;
        case TD_ENTRY_REJECT: at = past_text(past_text(at, end), end); break;
        case TD_ENTRY_SCOPE: at = past_text(at, end); break;
        default: {
            HOLDS(tag >= TD_OP_UPSERT_TWIN && tag <= TD_OP_DELETE_RELATIONSHIP && end - at >= 4);
            uint32_t length;
            memcpy(&length, at, 4);
            HOLDS(length <= (size_t)(end - at - 4));
            HOLDS(sent.records > 0);
            past_text(at + 4, at + 4 + length);
            at += 4 + length;
            sent.operations++;
        }
        }
    }
}

static void take(uint8_t type, const uint8_t *payload, size_t length) {
    HOLDS(length <= TD_WIRE_FRAME_MAX && !sent.ended);
    if (type == TD_WIRE_OPS) {
        sent.hash = td_wire_hash(sent.hash, payload, length);
        take_entries(payload, payload + length);
    } else if (type == TD_WIRE_KEYS) {
        sent.hash = td_wire_hash(sent.hash, payload, length);
        for (const uint8_t *at = payload; at < payload + length; sent.keys++) {
            HOLDS(*at == TD_ENTRY_KEY);
            at = past_text(at + 1, payload + length);
        }
    } else if (type == TD_WIRE_END) {
        td_wire_end end;
        HOLDS(length == sizeof end);
        memcpy(&end, payload, sizeof end);
        HOLDS(end.records == sent.records && end.operations == sent.operations && end.hash == sent.hash);
        sent.ended = 1;
    }
}

void frame_write(const void *bytes, size_t length) {
    const uint8_t *at = bytes;
    while (length > 0) {
        HOLDS(length >= TD_WIRE_HEADER);
        uint32_t payload;
        memcpy(&payload, at, 4);
        HOLDS(payload <= length - TD_WIRE_HEADER);
        take(at[4], at + TD_WIRE_HEADER, payload);
        at += TD_WIRE_HEADER + payload;
        length -= TD_WIRE_HEADER + payload;
    }
}

void frame_send(uint8_t type, const void *head, size_t head_length, const void *tail, size_t tail_length) {
    (void)head, (void)tail;
    HOLDS(type != TD_WIRE_OPS && head_length + tail_length <= TD_WIRE_FRAME_MAX);
}

void frame_error(int32_t status, int64_t offset, const char *message, size_t length) {
    (void)offset, (void)message;
    HOLDS(status != TD_OK && length <= MESSAGE_MAX);
}

void frame_beat(uint64_t bytes_done) { (void)bytes_done; }

// MARK: state

static void begin_anew(void) {
    for (uint32_t i = 0; i < keys.count; i++) free(keys.names[i].bytes);
    free(keys.names);
    free(keys.slots);
    memset(&keys, 0, sizeof keys);
    for (uint32_t i = 0; i < config.table_count; i++) free(config.tables[i].slots);
    free(config.tables);
    memset(&config, 0, sizeof config);
    message_clear();
    memset(&sent, 0, sizeof sent);
    sent.hash = TD_WIRE_SEED;
}

// MARK: what a plugin may call

static uint8_t large[TD_TEXT_MAX + 4096];

typedef struct {
    const uint8_t *at, *end;
} script;

static uint8_t next(script *from) { return from->at < from->end ? *from->at++ : 0; }

static uint64_t number(script *from) {
    uint64_t value = 0;
    for (int count = next(from) & 7; count >= 0; count--) value = value << 8 | next(from);
    return value;
}

// A text of the script's own bytes, or a long one, up to one byte over the limit.
static td_text words(script *from) {
    uint8_t length = next(from);
    if (length < 0xE0) {
        size_t left = (size_t)(from->end - from->at);
        td_text text = {(const char *)from->at, length < left ? length : left};
        if (text.length == 0) text.bytes = NULL;
        from->at += text.length;
        return text;
    }
    size_t count = length == 0xFF ? TD_TEXT_MAX + 1 : length == 0xFE ? TD_TEXT_MAX : (size_t)(length - 0xDF) << 11;
    return (td_text){(const char *)large, count};
}

// Every call takes the same from the script, in the same order, so that a script means the same to every compiler.
static void call(const td_host *host, script *from) {
    uint8_t which = next(from), small = next(from);
    uint64_t first = number(from), second = number(from);
    td_text text = words(from), other = words(from), third = words(from);
    td_verb verb = small % 6 - 1;
    double real;
    memcpy(&real, &first, 8);
    switch (which % 20) {
    case 0: host->record(host, first, second); break;
    case 1: host->span(host, (td_span)small - 1, first, second, text); break;
    case 2: host->reject(host, text, other); break;
    case 3: host->scope(host, text); break;
    case 4: host->begin_twin(host, verb, text, (td_key)first); break;
    case 5: host->begin_relationship(host, verb, text, (td_key)first, other, third); break;
    case 6: host->set_absent(host, small); break;
    case 7: host->set_bool(host, small, (int32_t)first); break;
    case 8: host->set_int(host, small, (int64_t)first); break;
    case 9: host->set_double(host, small, real); break;
    case 10: host->set_text(host, small, text); break;
    case 11: host->set_datetime(host, small, (int64_t)first, (int32_t)second); break;
    case 12: host->set_date(host, small, (int32_t)first); break;
    case 13: host->set_time(host, small, (int64_t)first); break;
    case 14: host->set_duration(host, small, (int32_t)first, (int64_t)second); break;
    case 15: host->set_json(host, small, text); break;
    case 16: host->fail(host, text, (int64_t)first); break;
    case 17: host->log(host, small, text); break;
    case 18: keys_number(host, text); break;
    default: host->end(host);
    }
}

static void plugin_calls(const uint8_t *data, size_t size) {
    static int isReady;
    if (!isReady) {
        HOLDS(output_allocate());
        // Every tenth byte is part of a character of two bytes.
        for (size_t i = 0; i < sizeof large; i++) large[i] = i % 10 == 0 ? 0xC3 : i % 10 == 1 ? 0xA4 : 'x';
        isReady = 1;
    }
    td_host host = {0};
    output_install(&host);
    values_install(&host);
    message_install(&host);
    script from = {data, data + size};
    output_begin(next(&from) == 0 ? 3 : 1 << 20);
    keys_number(&host, (td_text){"name", 4});
    while (from.at < from.end) call(&host, &from);
    // As main.c goes on: END where all went well, else ERROR.
    if (output_status() == TD_OK) {
        output_finish();
        HOLDS(sent.ended && sent.keys == keys_count());
    }
}

// MARK: what the host gives

static uint8_t *opened;

// The file in memory of its own size, so that a byte past its end is noticed.
static void *read_exactly(int descriptor, size_t length) {
    opened = malloc(length);
    HOLDS(opened && pread(descriptor, opened, length, 0) == (ssize_t)length);
    return opened;
}

static void look_up_all(const table *in, const char *end) {
    td_text value;
    for (uint32_t place = 0; place <= in->mask; place++) {
        if (!in->slots[place]) continue;
        reader entry = {in->slots[place], (const uint8_t *)end, 0};
        td_text key = read_text(&entry);
        HOLDS(!entry.failed);
        if (!config_lookup(NULL, in->name, key, &value)) continue;  // Of two tables of one name the first counts.
        HOLDS(value.length == 0 || (value.bytes >= (const char *)opened && value.bytes + value.length <= end));
    }
    config_lookup(NULL, in->name, (td_text){"?", 1}, &value);
}

static void open_message(const uint8_t *data, size_t size) {
    int file = memfd_create("fuzz", MFD_CLOEXEC);
    HOLDS(file >= 0 && write(file, data, size) == (ssize_t)size);
    opened = NULL;
    if (config_load(file))  // Which closes it.
        for (uint32_t i = 0; i < config.table_count; i++) look_up_all(&config.tables[i], (const char *)opened + size);
    free(opened);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2 || size > 1 << 20) return 0;
    begin_anew();
    if (data[0] & 1) open_message(data + 1, size - 1);
    else plugin_calls(data + 1, size - 1);
    return 0;
}

#ifdef REPLAY
// Runs the files that are named, once each.
int main(int count, char **names) {
    for (int i = 1; i < count; i++) {
        FILE *file = fopen(names[i], "rb");
        HOLDS(file);
        static uint8_t bytes[1 << 20];
        size_t size = fread(bytes, 1, sizeof bytes, file);
        fclose(file);
        uint8_t *copy = malloc(size ? size : 1);  // So that a byte past its end is noticed.
        HOLDS(copy);
        memcpy(copy, bytes, size);
        LLVMFuzzerTestOneInput(copy, size);
        free(copy);
    }
    begin_anew();
    return 0;
}
#endif
