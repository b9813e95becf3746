// SPDX-License-Identifier: Apache-2.0
// Operations: begin, set, end. No call here makes a system call unless the buffer is full.
//
// Values are not checked here: the host does that in the same way for every plugin, and refuses the record. Here only what cannot
// be sent is refused.
#define _GNU_SOURCE
#include "output.h"

enum { HEAD = 5 };  // verb and length of an operation

// Opens an operation with room for `need` bytes of its head; 0 when it may not be.
static int begin(size_t need) {
    if (UNLIKELY(output.status != TD_OK || output.refused)) return 0;
    if (UNLIKELY(!output.record || output.operation || !output.active)) {
        output_fail(TD_INTERNAL, output.operation ? "an operation was begun inside another. Call end() first."
                                                  : "an operation was begun before the first record(). Call record() first.");
        return 0;
    }
    output.operation = output.at;
    output.bare = 0;
    output.limit = output.end;
    return UNLIKELY(need > (size_t)(output.end - output.at)) ? output_room(need) : 1;
}

static int text_fits(td_text text) {
    if (text.length <= TD_TEXT_MAX) return 1;
    output_refuse("text-too-long", "A text of this record is longer than 512 KiB. Shorten it.");
    return 0;
}

static int key_fits(td_key key) {
    if (key <= keys_count()) return 1;
    output_fail(TD_INTERNAL, "a key number is unknown. Take numbers from key() only.");
    return 0;
}

static void host_begin_twin(const td_host *host, td_verb verb, td_text id, td_key model) {
    (void)host;
    static const uint8_t verbs[] = {TD_OP_UPSERT_TWIN, TD_OP_PATCH_TWIN, TD_OP_REPLACE_TWIN, TD_OP_DELETE_TWIN};
    if (UNLIKELY((uint32_t)verb > TD_DELETE)) {
        output_fail(TD_INTERNAL, "a verb is unknown. Use TD_UPSERT, TD_PATCH, TD_REPLACE or TD_DELETE.");
        return;
    }
    if (UNLIKELY(!text_fits(id) || !key_fits(model)) || !begin(id.length + SCALAR_MAX)) return;
    uint8_t *at = output.at;
    *at = verbs[verb];
    at = put_text(at + HEAD, id);
    if (verb == TD_DELETE) {
        output.bare = 1;
        output.limit = output.base;
    } else {
        at = put_varint(at, model);
    }
    output.at = at;
}

enum { ID_MAX = 128, ID_KEPT = 95, ID_DIGITS = 32 };  // characters; what a shortened id keeps and adds

// The first `count` characters of `length` bytes of UTF-8, in bytes; `length` if there are no more.
static size_t characters(const uint8_t *bytes, size_t length, size_t count) {
    for (size_t i = 0; i < length; i++) {
        if ((bytes[i] & 0xC0) != 0x80 && count-- == 0) return i;
    }
    return length;
}

// The id of a relationship that has none of its own: "NAME:TARGET". One of more than 128 characters is its first 95, '#', and
// the first 32 hexadecimal digits of its SHA-256 (docs/plugin-abi.md).
static uint8_t *put_default_id(uint8_t *at, td_key name, td_text target) {
    td_text prefix = keys_name(name);
    size_t length = prefix.length + 1 + target.length;
    uint8_t *start = at;
    at = put_varint(at, length);
    uint8_t *text = at;
    at = put_bytes(at, prefix.bytes, prefix.length);
    *at++ = ':';
    at = put_bytes(at, target.bytes, target.length);
    if (length <= ID_MAX || characters(text, length, ID_MAX) == length) return at;
    char digits[ID_DIGITS];
    uint8_t kept[ID_KEPT * 4];
    digest_hex(text, length, digits, ID_DIGITS);
    size_t keeps = characters(text, length, ID_KEPT);
    memcpy(kept, text, keeps);
    at = put_varint(start, keeps + 1 + ID_DIGITS);
    at = put_bytes(at, kept, keeps);
    *at++ = '#';
    return put_bytes(at, digits, ID_DIGITS);
}

static void host_begin_relationship(const td_host *host, td_verb verb, td_text source, td_key name, td_text target, td_text id) {
    (void)host;
    static const uint8_t verbs[] = {TD_OP_UPSERT_RELATIONSHIP, 0, TD_OP_REPLACE_RELATIONSHIP, TD_OP_DELETE_RELATIONSHIP};
    if (UNLIKELY((uint32_t)verb > TD_DELETE || verb == TD_PATCH)) {
        output_fail(TD_INTERNAL, "a verb does not fit a relationship. Use TD_UPSERT, TD_REPLACE or TD_DELETE.");
        return;
    }
    if (UNLIKELY(!text_fits(source) || !text_fits(target) || !text_fits(id) || !key_fits(name))) return;
    if (UNLIKELY((name == 0 || target.length == 0) && (verb != TD_DELETE || id.length == 0))) {
        if (name == 0)
            output_fail(TD_INTERNAL, "a relationship lacks its name. Only a delete with an id may leave it out.");
        else
            output_refuse("id", "A relationship of this record has no target. Say which twin it leads to.");
        return;
    }
    size_t need = source.length + target.length * 2 + id.length + TD_WIRE_KEY_BYTES_MAX + SCALAR_MAX;
    if (!begin(need)) return;
    uint8_t *at = output.at;
    *at = verbs[verb];
    at = put_text(at + HEAD, source);
    at = put_varint(at, name);
    at = put_text(at, target);
    output.at = id.length ? put_text(at, id) : put_default_id(at, name, target);
    if (verb == TD_DELETE) {
        output.bare = 1;
        output.limit = output.base;
    }
}

// Begins a property of a fixed size; NULL when it may not be written.
static inline uint8_t *property(td_key key, uint8_t type) {
    if (UNLIKELY(output.at + SCALAR_MAX > output.limit) && !output_room(SCALAR_MAX)) return NULL;
    if (UNLIKELY(key - 1 >= keys_count())) {
        output_fail(TD_INTERNAL, "a property has an unknown key. Take numbers from key(), and check them for 0.");
        return NULL;
    }
    uint8_t *at = put_varint(output.at, key);
    *at++ = type;
    return at;
}

static void host_set_absent(const td_host *host, td_key key) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_ABSENT);
    if (at) output.at = at;
}

static void host_set_bool(const td_host *host, td_key key, int32_t value) {
    (void)host;
    uint8_t *at = property(key, value ? TD_TYPE_TRUE : TD_TYPE_FALSE);
    if (at) output.at = at;
}

static void host_set_int(const td_host *host, td_key key, int64_t value) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_INTEGER);
    if (at) output.at = put_varint(at, zigzag(value));
}

static void host_set_double(const td_host *host, td_key key, double value) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_DOUBLE);
    if (!at) return;
    value += 0.0;  // Negative zero becomes zero.
    memcpy(at, &value, 8);
    output.at = at + 8;
}

static void set_text(td_key key, uint8_t type, td_text value) {
    if (UNLIKELY(output.limit == output.base) && !output_room(0)) return;
    if (UNLIKELY(!text_fits(value))) return;
    if (UNLIKELY(value.length + SCALAR_MAX > (size_t)(output.end - output.at)) && !output_room(value.length + SCALAR_MAX)) return;
    uint8_t *at = property(key, type);
    if (at) output.at = put_text(at, value);
}

static void host_set_text(const td_host *host, td_key key, td_text value) {
    (void)host;
    set_text(key, TD_TYPE_STRING, value);
}

static void host_set_json(const td_host *host, td_key key, td_text value) {
    (void)host;
    set_text(key, TD_TYPE_JSON, value);
}

static void host_set_datetime(const td_host *host, td_key key, int64_t microseconds, int32_t offset_minutes) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_DATETIME);
    if (at) output.at = put_varint(put_varint(at, zigzag(microseconds)), zigzag(offset_minutes));
}

static void host_set_date(const td_host *host, td_key key, int32_t days) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_DATE);
    if (at) output.at = put_varint(at, zigzag(days));
}

static void host_set_time(const td_host *host, td_key key, int64_t microseconds) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_TIME);
    if (at) output.at = put_varint(at, (uint64_t)microseconds);
}

static void host_set_duration(const td_host *host, td_key key, int32_t months, int64_t microseconds) {
    (void)host;
    uint8_t *at = property(key, TD_TYPE_DURATION);
    if (at) output.at = put_varint(put_varint(at, zigzag(months)), zigzag(microseconds));
}

static td_status host_end(const td_host *host) {
    (void)host;
    if (UNLIKELY(output.status != TD_OK || output.refused)) return output.status;
    if (UNLIKELY(!output.operation)) {
        output_fail(TD_INTERNAL, "end() was called without begin_twin or begin_relationship.");
        return output.status;
    }
    uint32_t length = (uint32_t)(output.at - output.operation - HEAD);
    memcpy(output.operation + 1, &length, 4);
    output.operation = NULL;
    output.limit = output.base;
    if (UNLIKELY(++output.operations > output.operations_max))
        output_fail(TD_LIMIT, "the drop has more operations than its limit. Check the plugin, or raise the source's limit.");
    return output.status;
}

void values_install(td_host *host) {
    host->begin_twin = host_begin_twin;
    host->begin_relationship = host_begin_relationship;
    host->set_absent = host_set_absent;
    host->set_bool = host_set_bool;
    host->set_int = host_set_int;
    host->set_double = host_set_double;
    host->set_text = host_set_text;
    host->set_datetime = host_set_datetime;
    host->set_date = host_set_date;
    host->set_time = host_set_time;
    host->set_duration = host_set_duration;
    host->set_json = host_set_json;
    host->end = host_end;
}
