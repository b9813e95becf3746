// SPDX-License-Identifier: Apache-2.0
// TwinDrop plugin ABI, version 1.0. A plugin is a dynamic library that exports one symbol, `twindrop_plugin_v1`.
//
// The life of a plugin, in order:
//   1. TwinDrop starts a worker process, sandboxes it, opens the library once, hashes it, and loads that descriptor.
//   2. twindrop_plugin_v1() returns the descriptor. It must not allocate, lock, or read anything from outside.
//   3. create() once, with the source's settings. Then probe() and transform(), any number of times, one at a time.
//   4. destroy(), or the process just ends: nothing may depend on destroy().
//
// Rules that hold for every function below:
//   - [worker-thread]: called on one thread, one call at a time. A plugin may use its own threads inside a call,
//     but calls host functions only from the calling thread, and ends its threads before the call returns.
//   - Memory: the side that allocated it frees it. Pointers passed in are valid only until the call returns, unless stated.
//   - No exception, longjmp or Swift error crosses this interface. A failure is a td_status and td_host.fail().
//   - The content of one record is never a failure: a value that does not fit its type, an id that is too long, or a text that
//     is not UTF-8 refuses that record with its place, and the others are applied. end() then says TD_OK.
//   - The same input and settings give the same operations: no clock, random, network or environment. TwinDrop replays.
//   - Structs start with struct_size and only ever grow at their end. Read no member beyond struct_size.
#ifndef TWINDROP_PLUGIN_H
#define TWINDROP_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TD_ABI_MAJOR 1
#define TD_ABI_MINOR 0

// Text is UTF-8, not terminated, without NUL. Passed by value; it will never grow a member.
typedef struct td_text {
    const char *bytes;  // may be NULL when length is 0
    size_t length;      // bytes, at most TD_TEXT_MAX
} td_text;

#define TD_TEXT_MAX (512 * 1024)  // longest id is 128 characters; longest property text is this
#define TD_KEYS_MAX 65535         // distinct keys of one source

// The closed list of results. Anything else counts as TD_INTERNAL.
typedef int32_t td_status;
enum {
    TD_OK = 0,
    TD_REFUSED = 1,    // the input is not what this plugin reads, or is damaged as a whole: the drop is quarantined
    TD_SETTINGS = 2,   // the settings are unusable: the source waits until they are corrected
    TD_CANCELLED = 3,  // returned because td_host.cancelled() said so, or a host function returned it
    TD_INPUT = 4,      // td_host.read() failed
    TD_LIMIT = 5,      // a limit of the plugin or of the host was reached
    TD_INTERNAL = 6    // a defect of the plugin
};

// A number for an interned name: a property, a relationship name or a model id. 0 means none.
typedef uint32_t td_key;

// What an operation does to the twin or relationship it names.
typedef int32_t td_verb;
enum {
    TD_UPSERT = 0,   // create, or merge the named properties into what is there
    TD_PATCH = 1,    // merge; the twin must exist, else the record is rejected (twins only)
    TD_REPLACE = 2,  // create, or replace: properties that are not named go away
    TD_DELETE = 3    // delete; deleting what is not there is `unchanged`
};

// Parts of the input that are not a record; with the records they account for every byte of the file.
typedef int32_t td_span;
enum {
    TD_HEADER = 0,    // repeated before the rejects, so that a rejects file has the dialect of the original
    TD_FOOTER = 1,    // trailer, totals
    TD_REMAINDER = 2  // anything else, named: "blank lines", "comment"
};

typedef int32_t td_level;
enum { TD_DEBUG = 0, TD_INFO = 1, TD_WARNING = 2, TD_ERROR = 3 };

// What the host offers. The pointer is valid until destroy() returns; the members never change.
typedef struct td_host td_host;
struct td_host {
    uint32_t struct_size;  // sizeof(td_host) of the host
    uint16_t abi_major;    // TD_ABI_MAJOR of the host
    uint16_t abi_minor;
    void *context;         // the host's own

    // -- at any time ------------------------------------------------------------------------------------------
    // A named extension, or NULL. Names end in a version: "org.twindrop.lookup/1". [worker-thread]
    const void *(*extension)(const td_host *host, const char *name);
    // The source's settings: one JSON object. Valid until destroy(). [worker-thread]
    td_text (*settings)(const td_host *host);
    // The number of a name, the same for the life of the instance and, for one source, for ever. Property names are
    // DTDL names; a property of a component is "component/property". Returns 0 when the table is full or the name
    // is not valid UTF-8 of 1 to 2048 bytes. Intern once, in create() or at the header, not for every record.
    // [worker-thread]
    td_key (*key)(const td_host *host, td_text name);
    // Log a line; control characters are escaped, and what passes 64 KiB a drop is counted and dropped. [worker-thread]
    void (*log)(const td_host *host, td_level level, td_text message);
    // The message that goes with a status other than TD_OK: the last one set counts. `offset` is the byte of the
    // input it is about, or -1. Say what is wrong and what to do. [worker-thread]
    void (*fail)(const td_host *host, td_text message, int64_t offset);
    // One value of a read-only lookup table of the source; returns 0 when table or key is unknown. The value is valid
    // until destroy(). [worker-thread]
    int32_t (*lookup)(const td_host *host, td_text table, td_text key, td_text *value);

    // -- in transform() only ------------------------------------------------------------------------------------
    // Read the next bytes of the input: the count, 0 at its end, or -1 (return TD_INPUT). [worker-thread, may block]
    int64_t (*read)(const td_host *host, void *buffer, size_t capacity);
    // The file's name as its sender gave it (bytes escaped to UTF-8), and its size in bytes. [worker-thread]
    td_text (*input_name)(const td_host *host);
    uint64_t (*input_size)(const td_host *host);
    // Non-zero when the work is not wanted any more: return TD_CANCELLED soon. Cheap enough for every record. [worker-thread]
    int32_t (*cancelled)(const td_host *host);
    // How far the plugin is, in bytes of the input; keeps a long silent phase alive. [worker-thread]
    void (*progress)(const td_host *host, uint64_t bytes_done);

    // Start the next record: bytes [offset, offset + length) of the input, its terminator included. Records are numbered
    // from 1 in the order of these calls. Operations and rejects belong to the record started last; a record without
    // any counts as filtered. [worker-thread]
    void (*record)(const td_host *host, uint64_t offset, uint64_t length);
    // Account for bytes that are not a record. [worker-thread]
    void (*span)(const td_host *host, td_span kind, uint64_t offset, uint64_t length, td_text name);
    // Refuse the current record: `code` is a short word in lower-case-with-hyphens, `message` a sentence that names
    // the column and says what to do. Operations already given for this record are withdrawn. [worker-thread]
    void (*reject)(const td_host *host, td_text code, td_text message);
    // This file is the complete list of only the part of the source that `scope` names; before the first operation. A
    // snapshot source then deletes inside this scope only. [worker-thread]
    void (*scope)(const td_host *host, td_text scope);

    // Operations: begin_twin or begin_relationship, any number of set_…, end. The setters do not report; end() does.
    // `model` is the key of a model id (a DTMI), or 0 to leave the model as it is. [worker-thread]
    void (*begin_twin)(const td_host *host, td_verb verb, td_text id, td_key model);
    // `id` tells relationships of one source twin apart; empty means "NAME:TARGET". A stable id with a new target moves
    // the relationship. TD_DELETE needs the source twin and the id (or name and target). [worker-thread]
    void (*begin_relationship)(const td_host *host, td_verb verb, td_text source, td_key name, td_text target, td_text id);
    // Remove a property. [worker-thread]
    void (*set_absent)(const td_host *host, td_key key);
    void (*set_bool)(const td_host *host, td_key key, int32_t value);
    void (*set_int)(const td_host *host, td_key key, int64_t value);
    // Finite. [worker-thread]
    void (*set_double)(const td_host *host, td_key key, double value);
    void (*set_text)(const td_host *host, td_key key, td_text value);
    // Microseconds since 1970-01-01T00:00:00Z, and the offset from UTC it was written with, in minutes (-1439 … 1439). In the
    // years 1 to 9999, in UTC and with its offset.
    void (*set_datetime)(const td_host *host, td_key key, int64_t microseconds, int32_t offset_minutes);
    // Days since 1970-01-01. [worker-thread]
    void (*set_date)(const td_host *host, td_key key, int32_t days);
    // Microseconds since midnight, below 86,400,000,000. [worker-thread]
    void (*set_time)(const td_host *host, td_key key, int64_t microseconds);
    // ISO 8601 duration, months and microseconds apart, of one sign. [worker-thread]
    void (*set_duration)(const td_host *host, td_key key, int32_t months, int64_t microseconds);
    // A JSON value (RFC 8259), at most 32 deep: objects, arrays, maps, geospatial values. No name twice in an object, no lone
    // surrogate, no number that neither 64 bits nor a double hold in full. [worker-thread]
    void (*set_json)(const td_host *host, td_key key, td_text json);
    // End the operation. Other than TD_OK: return that status from transform() at once. [worker-thread, may block]
    td_status (*end)(const td_host *host);
};

typedef struct td_instance td_instance;  // the plugin's own

// What the plugin is. Static, immutable, valid while the library is loaded.
typedef struct td_plugin td_plugin;
struct td_plugin {
    uint32_t struct_size;  // sizeof(td_plugin) of the plugin
    uint16_t abi_major;    // TD_ABI_MAJOR it was built with
    uint16_t abi_minor;
    const char *id;        // as in the manifest: lower-case-with-hyphens
    const char *version;   // as in the manifest: semantic version

    // Make an instance for one source; `*instance` stays NULL on failure. [worker-thread, may block]
    td_status (*create)(const td_host *host, td_instance **instance);
    // How sure the plugin is that it can read a file of this name that starts with these bytes (at most 64 KiB): 0 no,
    // 100 certain. No side effects, no host call but log. [worker-thread]
    int32_t (*probe)(td_instance *instance, td_text name, const void *head, size_t head_length);
    // Read the whole input and give its operations. [worker-thread, may block]
    td_status (*transform)(td_instance *instance);
    // Free the instance. [worker-thread]
    void (*destroy)(td_instance *instance);
    // A named extension of the plugin, or NULL; the member itself may be NULL. [worker-thread]
    const void *(*extension)(const char *name);
};

#if defined(__GNUC__)
#define TD_EXPORT __attribute__((visibility("default")))
#else
#define TD_EXPORT
#endif

// The one exported symbol. `host_major`.`host_minor` is the newest ABI of the host; a plugin that needs a newer one
// returns NULL, and TwinDrop says so. [worker-thread]
typedef const td_plugin *(*td_plugin_entry)(uint16_t host_major, uint16_t host_minor);
TD_EXPORT const td_plugin *twindrop_plugin_v1(uint16_t host_major, uint16_t host_minor);

#ifdef __cplusplus
}
#endif
#endif
