// SPDX-License-Identifier: Apache-2.0
// door-counter: fixed-width lines of people counters at doors become twins. See README.md for the format.
// A plugin in C: no library but libc, constant memory whatever the size of the file.
#include "twindrop_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 256, BUFFER_BYTES = 64 * 1024, ROW_BYTES = 41, ID_MAX = 128 };

enum { AT, ENTERED, LEFT, TEMPERATURE, STATE, FAULT, LOCATED_IN, KEY_COUNT };

struct td_instance {
    const td_host *host;
    td_key keys[KEY_COUNT];
    td_key model;
    char prefix[ID_MAX / 2];
    size_t prefix_length;
    char building[ID_MAX / 2];
    size_t building_length;
    uint64_t rows;
};

static td_text words(const char *text) { return (td_text){text, strlen(text)}; }

static td_status refuse(const td_host *host, td_status status, const char *message, int64_t offset) {
    host->fail(host, words(message), offset);
    return status;
}

static td_status reject(const td_host *host, const char *code, const char *message) {
    host->reject(host, words(code), words(message));
    return TD_OK;
}

// -- Settings: a flat JSON object of texts without escapes ---------------------------------------------------------------

static const char *skip_blanks(const char *at, const char *end) {
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r')) at++;
    return at;
}

// Takes a quoted text; NULL when there is none, or when it has an escape.
static const char *take_text(const char *at, const char *end, td_text *text) {
    if (at == end || *at != '"') return NULL;
    const char *start = ++at;
    while (at < end && *at != '"' && *at != '\\') at++;
    if (at == end || *at == '\\') return NULL;
    *text = (td_text){start, (size_t)(at - start)};
    return at + 1;
}

static int is(td_text text, const char *word) {
    return text.length == strlen(word) && memcmp(text.bytes, word, text.length) == 0;
}

static td_status apply(td_instance *self, td_text name, td_text value) {
    if (is(name, "prefix") && value.length < sizeof self->prefix) {
        memcpy(self->prefix, value.bytes, value.length);
        self->prefix_length = value.length;
        return TD_OK;
    }
    if (is(name, "model")) {
        self->model = self->host->key(self->host, value);
        if (self->model != 0) return TD_OK;
    }
    return refuse(self->host, TD_SETTINGS,
                  "Settings are \"prefix\" (at most 63 bytes) and \"model\" (a DTMI); correct the others.", -1);
}

static td_status read_settings(td_instance *self) {
    td_text text = self->host->settings(self->host);
    const char *at = skip_blanks(text.bytes, text.bytes + text.length), *end = text.bytes + text.length;
    int is_object = at < end && *at++ == '{';
    at = skip_blanks(at, end);
    while (is_object && at < end && *at != '}') {
        td_text name, value;
        at = take_text(at, end, &name);
        if (at) at = skip_blanks(at, end);
        if (!at || at == end || *at != ':') break;
        at = take_text(skip_blanks(at + 1, end), end, &value);
        if (!at) break;
        td_status status = apply(self, name, value);
        if (status != TD_OK) return status;
        at = skip_blanks(at, end);
        if (at < end && *at == ',') at = skip_blanks(at + 1, end);
    }
    if (is_object && at && at < end && *at == '}') return TD_OK;
    return refuse(self->host, TD_SETTINGS, "The settings must be a flat JSON object of texts without escapes.", -1);
}

// -- Fields --------------------------------------------------------------------------------------------------------------

// `count` digits; -1 when there is anything else.
static long digits(const char *at, int count) {
    long value = 0;
    for (int i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') return -1;
        value = value * 10 + (at[i] - '0');
    }
    return value;
}

// Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, days from civil).
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = year / 400, year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

// YYYYMMDDhhmmss in UTC to microseconds; 0 when it is no time that exists.
static int take_time(const char *at, int64_t *microseconds) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    long year = digits(at, 4), month = digits(at + 4, 2), day = digits(at + 6, 2);
    long hour = digits(at + 8, 2), minute = digits(at + 10, 2), second = digits(at + 12, 2);
    if (year < 1970 || month < 1 || month > 12 || day < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59) return 0;
    int leap = month == 2 && ((year % 4 == 0 && year % 100 != 0) || year % 400 == 0);
    if (day > lengths[month - 1] + leap || second < 0 || second > 59) return 0;
    *microseconds = ((days_from_civil(year, month, day) * 24 + hour) * 3600 + minute * 60 + second) * INT64_C(1000000);
    return 1;
}

// A name without the blanks that pad it: 1 or more of A-Z, a-z, 0-9 and -.
static size_t name_length(const char *at, size_t width) {
    size_t length = width;
    while (length > 0 && at[length - 1] == ' ') length--;
    for (size_t i = 0; i < length; i++) {
        char c = at[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return 0;
    }
    return length;
}

// -- Lines ---------------------------------------------------------------------------------------------------------------

static td_status row(td_instance *self, const char *line, size_t length) {
    const td_host *host = self->host;
    int64_t at = 0;
    size_t door = length == ROW_BYTES ? name_length(line + 1, 8) : 0;
    if (length != ROW_BYTES) return reject(host, "length", "The line is not 41 bytes long. Correct it.");
    if (door == 0) return reject(host, "door", "Columns 2 to 9 are no door name. Correct them.");
    if (!take_time(line + 9, &at)) return reject(host, "time", "Columns 10 to 23 are no time. Correct them.");
    long entered = digits(line + 23, 6), left = digits(line + 29, 6), tenths = digits(line + 36, 4);
    if (entered < 0 || left < 0) return reject(host, "count", "Columns 24 to 35 are no counts. Correct them.");
    if (tenths < 0 || (line[35] != '+' && line[35] != '-'))
        return reject(host, "temperature", "Columns 36 to 40 are no temperature. Correct them.");
    const char *state = line[40] == 'O' ? "open" : line[40] == 'C' ? "closed" : line[40] == 'F' ? "fault" : NULL;
    if (!state) return reject(host, "state", "Column 41 is not O, C or F. Correct it.");

    char id[ID_MAX];
    int id_length = snprintf(id, sizeof id, "%.*s%.*s-%.*s", (int)self->prefix_length, self->prefix, (int)self->building_length,
                             self->building, (int)door, line + 1);
    td_text twin = {id, (size_t)id_length};
    host->begin_twin(host, TD_UPSERT, twin, self->model);
    host->set_datetime(host, self->keys[AT], at, 0);
    host->set_int(host, self->keys[ENTERED], entered);
    host->set_int(host, self->keys[LEFT], left);
    host->set_double(host, self->keys[TEMPERATURE], (double)(line[35] == '-' ? -tenths : tenths) / 10.0);
    host->set_text(host, self->keys[STATE], words(state));
    host->set_bool(host, self->keys[FAULT], line[40] == 'F');
    td_status status = host->end(host);
    if (status != TD_OK) return status;
    // One per door: a door that moves to another building moves its relationship.
    host->begin_relationship(host, TD_UPSERT, twin, self->keys[LOCATED_IN], (td_text){self->building, self->building_length},
                             words("building"));
    return host->end(host);
}

// One line without its end; `whole` counts its end, too. Returns through `ended` whether it was the trailer.
static td_status line(td_instance *self, const char *bytes, size_t length, uint64_t offset, uint64_t whole, int *ended) {
    const td_host *host = self->host;
    if (*ended && length > 0)
        return refuse(host, TD_REFUSED,
                      "There are lines after the trailer. Deliver one export per file.", (int64_t)offset);
    if (length == 0) return host->span(host, TD_REMAINDER, offset, whole, words("blank line")), TD_OK;
    if (self->building_length == 0) {
        size_t building = bytes[0] == 'H' && length >= 10 && length <= 25 ? name_length(bytes + 9, length - 9) : 0;
        if (building == 0 || digits(bytes + 1, 8) < 0)
            return refuse(host, TD_REFUSED,
                          "The first line is no header (H, date, building). Is it an export of the door counters?",
                          (int64_t)offset);
        memcpy(self->building, bytes + 9, building);
        self->building_length = building;
        host->span(host, TD_HEADER, offset, whole, words("header"));
        return TD_OK;
    }
    if (bytes[0] == 'T') {
        long count = length == 7 ? digits(bytes + 1, 6) : -1;
        if (count < 0 || (uint64_t)count != self->rows)
            return refuse(host, TD_REFUSED,
                          "The trailer counts other rows than the file has: rows are missing. Deliver it again.",
                          (int64_t)offset);
        host->span(host, TD_FOOTER, offset, whole, words("trailer"));
        *ended = 1;
        return TD_OK;
    }
    self->rows++;
    host->record(host, offset, whole);
    if (bytes[0] != 'D') return reject(host, "kind", "Column 1 is not D. Correct it.");
    return row(self, bytes, length);
}

static td_status transform(td_instance *self) {
    static char buffer[BUFFER_BYTES];
    const td_host *host = self->host;
    size_t filled = 0;
    uint64_t offset = 0;
    int ended = 0, at_end = 0;
    self->building_length = 0;
    self->rows = 0;
    while (!at_end || filled > 0) {
        int64_t count = at_end ? 0 : host->read(host, buffer + filled, sizeof buffer - filled);
        if (count < 0) return TD_INPUT;
        at_end = count == 0;
        filled += (size_t)count;
        size_t start = 0;
        while (start < filled) {
            const char *feed = memchr(buffer + start, '\n', filled - start);
            size_t whole = feed ? (size_t)(feed - buffer) + 1 - start : filled - start;
            if (!feed && !at_end && whole <= LINE_MAX_BYTES) break;  // The rest of the line is still to come.
            if (whole > LINE_MAX_BYTES)
                return refuse(host, TD_REFUSED,
                              "A line is longer than 256 bytes. Is it an export of the door counters?", (int64_t)offset);
            size_t length = feed ? whole - 1 : whole;
            if (length > 0 && buffer[start + length - 1] == '\r') length--;
            td_status status = line(self, buffer + start, length, offset, whole, &ended);
            if (status != TD_OK) return status;
            start += whole;
            offset += whole;
        }
        memmove(buffer, buffer + start, filled - start);
        filled -= start;
    }
    if (!ended)
        return refuse(host, TD_REFUSED,
                      "The trailer is missing: the file is cut off. Deliver it again.", (int64_t)offset);
    return TD_OK;
}

// -- The descriptor ------------------------------------------------------------------------------------------------------

static td_status create(const td_host *host, td_instance **instance) {
    static const char *const names[KEY_COUNT] = {"lastCountedAt", "entered", "left",      "temperature",
                                                 "state",         "fault",   "locatedIn"};
    td_instance *self = calloc(1, sizeof *self);
    if (!self) return refuse(host, TD_INTERNAL, "There is no memory.", -1);
    self->host = host;
    memcpy(self->prefix, "door-", 5);
    self->prefix_length = 5;
    for (int i = 0; i < KEY_COUNT; i++) self->keys[i] = host->key(host, words(names[i]));
    self->model = host->key(host, words("dtmi:org:twindrop:samples:Door;1"));
    td_status status = read_settings(self);
    if (status != TD_OK) {
        free(self);
        return status;
    }
    *instance = self;
    return TD_OK;
}

static int32_t probe(td_instance *instance, td_text name, const void *head, size_t length) {
    (void)instance;
    (void)name;
    const char *bytes = head;
    const char *feed = memchr(bytes, '\n', length);
    if (!feed || length < 10 || bytes[0] != 'H' || digits(bytes + 1, 8) < 0) return 0;
    const char *second = feed + 1;
    return second < bytes + length && (*second == 'D' || *second == 'T') ? 90 : 20;
}

static void destroy(td_instance *instance) { free(instance); }

static const td_plugin plugin = {
    .struct_size = sizeof(td_plugin),
    .abi_major = TD_ABI_MAJOR,
    .abi_minor = TD_ABI_MINOR,
    .id = "door-counter",
    .version = "1.0.0",
    .create = create,
    .probe = probe,
    .transform = transform,
    .destroy = destroy,
};

TD_EXPORT const td_plugin *twindrop_plugin_v1(uint16_t host_major, uint16_t host_minor) {
    (void)host_minor;  // Needs nothing newer than 1.0.
    return host_major == TD_ABI_MAJOR ? &plugin : NULL;
}
