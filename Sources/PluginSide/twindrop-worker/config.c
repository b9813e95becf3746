// SPDX-License-Identifier: Apache-2.0
// OPEN's memory file: settings, the keys so far, and lookup tables. It stays mapped; every text points into it.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    td_text name;
    const uint8_t *entries;  // u32 length, key, u32 length, value
    uint32_t count;
    uint32_t mask;
    const uint8_t **slots;  // open addressing: an entry, or NULL
} table;

static struct {
    td_text settings;
    table *tables;
    uint32_t table_count;
} config;

typedef struct {
    const uint8_t *at;
    const uint8_t *end;
    int failed;
} reader;

static uint32_t read_u32(reader *from) {
    uint32_t value = 0;
    if (from->end - from->at < 4) {
        from->failed = 1;
        return 0;
    }
    memcpy(&value, from->at, 4);
    from->at += 4;
    return value;
}

static td_text read_text(reader *from) {
    uint32_t length = read_u32(from);
    if (from->failed || (size_t)(from->end - from->at) < length) {
        from->failed = 1;
        return (td_text){0};
    }
    td_text text = {(const char *)from->at, length};
    from->at += length;
    return text;
}

static int same(td_text one, td_text other) {
    return one.length == other.length && (one.length == 0 || memcmp(one.bytes, other.bytes, one.length) == 0);
}

static const uint8_t **slot(const table *in, td_text key) {
    uint32_t at = (uint32_t)td_wire_hash(TD_WIRE_SEED, key.bytes, key.length) & in->mask;
    while (in->slots[at]) {
        reader entry = {in->slots[at], in->slots[at] + 4 + UINT32_MAX, 0};  // checked when it was indexed
        if (same(read_text(&entry), key)) break;
        at = (at + 1) & in->mask;
    }
    return &in->slots[at];
}

// Indexes one table; of equal keys the first counts.
static int index_table(table *into, reader *from) {
    into->name = read_text(from);
    into->count = read_u32(from);
    // An entry has 8 bytes at least: no count makes more slots than the file could fill.
    if (from->failed || into->count > (size_t)(from->end - from->at) / 8 || into->count > UINT32_MAX / 4) return 0;
    uint32_t size = 16;
    while (size < into->count * 2) size *= 2;
    into->slots = calloc(size, sizeof *into->slots);
    if (!into->slots) return 0;
    into->mask = size - 1;
    for (uint32_t i = 0; i < into->count; i++) {
        const uint8_t *entry = from->at;
        td_text key = read_text(from);
        read_text(from);
        if (from->failed) return 0;
        const uint8_t **place = slot(into, key);
        if (!*place) *place = entry;
    }
    return 1;
}

int config_load(int descriptor) {
    struct stat file;
    if (fstat(descriptor, &file) < 0 || file.st_size <= 0) return 0;
    size_t length = (size_t)file.st_size;
    const uint8_t *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (bytes == MAP_FAILED) return 0;
    close(descriptor);  // Read-only and mapped: nothing can be lost by its failure.
    reader from = {bytes, bytes + length, 0};
    config.settings = read_text(&from);
    uint32_t keys = read_u32(&from);
    for (uint32_t i = 0; i < keys && !from.failed; i++) {
        td_text key = read_text(&from);
        if (from.failed || !keys_define((const uint8_t *)key.bytes, key.length)) return 0;
    }
    uint32_t tables = read_u32(&from);
    if (from.failed || tables > 65535) return 0;
    config.tables = calloc(tables ? tables : 1, sizeof *config.tables);
    if (!config.tables) return 0;
    while (config.table_count < tables)
        if (!index_table(&config.tables[config.table_count++], &from)) return 0;
    return 1;
}

td_text config_settings(const td_host *host) {
    (void)host;
    return config.settings;
}

int32_t config_lookup(const td_host *host, td_text name, td_text key, td_text *value) {
    (void)host;
    for (uint32_t i = 0; i < config.table_count; i++) {
        const table *in = &config.tables[i];
        if (!same(in->name, name)) continue;
        const uint8_t *entry = *slot(in, key);
        if (!entry) return 0;
        reader from = {entry, entry + 4 + UINT32_MAX, 0};
        read_text(&from);
        from.end = from.at + 4 + (size_t)UINT32_MAX;
        *value = read_text(&from);
        return 1;
    }
    return 0;
}
