// One twin a line, its id the line; some words stand for a value that is none. Hands on what it is given, and looks at nothing.
#include "twindrop_plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct td_instance {
    const td_host *host;
    td_key key;
};

static td_text text(const char *word) { return (td_text){word, strlen(word)}; }

static int is(td_text line, const char *word) { return line.length == strlen(word) && !memcmp(line.bytes, word, line.length); }

static td_status row(td_instance *self, td_text line, uint64_t offset) {
    const td_host *host = self->host;
    static char many[200];
    memset(many, 'x', sizeof many);
    host->record(host, offset, line.length + 1);
    if (is(line, "no-target")) {
        host->begin_relationship(host, TD_UPSERT, line, self->key, text(""), text(""));
        return host->end(host);
    }
    td_text id = is(line, "id") ? text("\xC0\x80") : is(line, "long-id") ? (td_text){many, sizeof many} : line;
    host->begin_twin(host, TD_UPSERT, id, 0);
    if (is(line, "infinite")) host->set_double(host, self->key, INFINITY);
    if (is(line, "json")) host->set_json(host, self->key, text("{\"a\":1,\"a\":2}"));
    if (is(line, "text")) host->set_text(host, self->key, (td_text){"a\0b", 3});
    if (is(line, "time")) host->set_time(host, self->key, -1);
    if (is(line, "offset")) host->set_datetime(host, self->key, 0, 9999);
    if (is(line, "duration")) host->set_duration(host, self->key, INT32_MIN, 1);
    if (is(line, "date")) host->set_date(host, self->key, INT32_MAX);
    if (is(line, "edge")) host->set_datetime(host, self->key, INT64_C(253402300799999999), 60);
    return host->end(host);
}

static td_status transform(td_instance *self) {
    static char buffer[1 << 16];
    size_t filled = 0;
    for (;;) {
        int64_t count = self->host->read(self->host, buffer + filled, sizeof buffer - filled);
        if (count < 0) return TD_INPUT;
        if (count == 0) break;
        filled += (size_t)count;
    }
    for (size_t at = 0; at < filled;) {
        const char *end = memchr(buffer + at, '\n', filled - at);
        if (!end) break;
        td_status status = row(self, (td_text){buffer + at, (size_t)(end - buffer) - at}, at);
        if (status != TD_OK) return status;
        at = (size_t)(end - buffer) + 1;
    }
    return TD_OK;
}

static td_status create(const td_host *host, td_instance **instance) {
    *instance = malloc(sizeof **instance);
    if (!*instance) return TD_INTERNAL;
    **instance = (td_instance){host, host->key(host, text("v"))};
    return TD_OK;
}

static int32_t probe(td_instance *self, td_text name, const void *head, size_t length) {
    (void)self, (void)name, (void)head, (void)length;
    return 0;
}

static void destroy(td_instance *self) { free(self); }

static const td_plugin plugin = {
    .struct_size = sizeof(td_plugin), .abi_major = TD_ABI_MAJOR, .abi_minor = TD_ABI_MINOR, .id = "asset-inventory",
    .version = "1.0.0", .create = create, .probe = probe, .transform = transform, .destroy = destroy,
};

TD_EXPORT const td_plugin *twindrop_plugin_v1(uint16_t major, uint16_t minor) {
    (void)minor;
    return major == TD_ABI_MAJOR ? &plugin : NULL;
}
