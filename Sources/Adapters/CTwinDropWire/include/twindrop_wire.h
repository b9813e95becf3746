// SPDX-License-Identifier: Apache-2.0
// The private wire between twindrop (host) and twindrop-worker. Both sides are built together; this is no stable contract.
//
// Descriptors of a worker: 0 /dev/null, 1 and 2 the log pipe, 3 the control socket (SOCK_SEQPACKET, host to worker),
// 4 the result pipe (worker to host), 5 the plugin library (a sealed memory file).
//
// Control messages are one td_wire_control, then `name_length` bytes of UTF-8, with one descriptor where the table says so.
// Frames on the result pipe are `u32 length LE, u8 type, payload`; length counts the payload and is at most TD_WIRE_FRAME_MAX.
//
//     host              OPEN(settings, keys, lookups)    TRANSFORM(input)                    PROBE(head)
//     worker   READY    HELLO or ERROR                   (KEYS | OPS | HEARTBEAT | LOG)*     PROBED
//                                                        END or ERROR                        or ERROR
//
// READY comes before any code of the plugin runs: it alone says which layers of the sandbox are in force.
//
// After an ERROR the worker ends, and when the control socket is closed. All numbers are little endian.
#ifndef TWINDROP_WIRE_H
#define TWINDROP_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the wire is little endian, and so are the machines TwinDrop is made for"
#endif

enum {
    TD_WIRE_VERSION = 1,
    TD_WIRE_CONTROL_FD = 3,
    TD_WIRE_RESULT_FD = 4,
    TD_WIRE_LIBRARY_FD = 5,
    TD_WIRE_FRAME_MAX = 1 << 20,
    TD_WIRE_HEADER = 5,           // bytes before a payload
    TD_WIRE_NAME_MAX = 16384,     // an escaped file name
    TD_WIRE_KEY_BYTES_MAX = 2048,
    TD_WIRE_KEYS_BYTES_MAX = 16 << 20,  // all names of one source
    TD_WIRE_HEAD_MAX = 64 << 10   // what a probe sees of a file
};

// Control messages.
enum {
    TD_WIRE_OPEN = 1,       // descriptor: the td_wire_config bytes, sealed
    TD_WIRE_TRANSFORM = 2,  // descriptor: the input; size, operations_max, name
    TD_WIRE_PROBE = 3       // descriptor: the head; size, name
};

typedef struct td_wire_control {
    uint32_t type;
    uint32_t name_length;
    uint64_t size;            // bytes of the input or head
    uint64_t operations_max;  // TRANSFORM: more is TD_LIMIT
} td_wire_control;

// OPEN's memory file: u32 settings length, settings; u32 keys, each u32 length and bytes; u32 tables, each u32 length and
// name, u32 entries, each u32 length and key, u32 length and value.

// Frame types.
enum {
    TD_WIRE_HELLO = 1,      // td_wire_hello, then plugin id, then version
    TD_WIRE_OPS = 2,        // entries of the operation stream, without `key`
    TD_WIRE_KEYS = 3,       // `key` entries
    TD_WIRE_HEARTBEAT = 4,  // u64 bytes of the input done
    TD_WIRE_LOG = 5,        // u8 level, text
    TD_WIRE_ERROR = 6,      // td_wire_error, then the message
    TD_WIRE_END = 7,        // td_wire_end
    TD_WIRE_PROBED = 8,     // i32 confidence, 0 … 100
    TD_WIRE_READY = 9       // u32 TD_SANDBOX_… that are in force
};

typedef struct td_wire_hello {
    uint32_t wire_version;
    uint16_t abi_major;  // of the plugin
    uint16_t abi_minor;
    uint32_t sandbox;    // as in READY; nobody believes it
    uint16_t id_length;
    uint16_t version_length;
} td_wire_hello;

// Layers of the sandbox.
enum {
    TD_SANDBOX_LIMITS = 1,
    TD_SANDBOX_NO_PRIVILEGES = 2,  // no_new_privs, no capabilities
    TD_SANDBOX_FILES = 4,          // Landlock: files
    TD_SANDBOX_NETWORK = 8,        // Landlock: TCP
    TD_SANDBOX_SIGNALS = 16,       // Landlock: signals and abstract sockets
    TD_SANDBOX_CALLS = 32,         // seccomp
    TD_SANDBOX_ALL = 63
};

typedef struct td_wire_error {
    int32_t status;  // td_status, or one of TD_WIRE_STATUS_…
    uint32_t reserved;
    int64_t offset;  // byte of the input, or -1
} td_wire_error;

// Failures of the worker itself, beside the plugin's td_status.
enum {
    TD_WIRE_STATUS_SETUP = -1,  // the process could not be prepared
    TD_WIRE_STATUS_LOAD = -2,   // dlopen or the symbol failed
    TD_WIRE_STATUS_ABI = -3     // the descriptor is not usable
};

typedef struct td_wire_end {
    uint64_t records;
    uint64_t operations;
    uint64_t hash;  // td_wire_hash over every OPS and KEYS payload in order, beginning with TD_WIRE_SEED
} td_wire_end;

#define TD_WIRE_SEED UINT64_C(0x2D358DCCAA6C78A5)

static inline uint64_t td_wire_seed(void) { return TD_WIRE_SEED; }  // Swift does not see the macro

// Operation stream: entries, verbs, property types (DropCore/Operations/OperationStream.swift; a test compares them).
enum {
    TD_ENTRY_RECORD = 0x01, TD_ENTRY_SPAN = 0x02, TD_ENTRY_REJECT = 0x03, TD_ENTRY_KEY = 0x04, TD_ENTRY_SCOPE = 0x05,
    TD_OP_UPSERT_TWIN = 0x10, TD_OP_PATCH_TWIN = 0x11, TD_OP_REPLACE_TWIN = 0x12, TD_OP_DELETE_TWIN = 0x13,
    TD_OP_UPSERT_RELATIONSHIP = 0x14, TD_OP_REPLACE_RELATIONSHIP = 0x15, TD_OP_DELETE_RELATIONSHIP = 0x16,
    TD_TYPE_ABSENT = 0, TD_TYPE_FALSE = 1, TD_TYPE_TRUE = 2, TD_TYPE_INTEGER = 3, TD_TYPE_DOUBLE = 4, TD_TYPE_STRING = 5,
    TD_TYPE_DATETIME = 6, TD_TYPE_DATE = 7, TD_TYPE_TIME = 8, TD_TYPE_DURATION = 9, TD_TYPE_JSON = 10
};

static inline uint64_t td_wire_fold(uint64_t a, uint64_t b) {
    __extension__ typedef unsigned __int128 wide;
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t td_wire_load(const unsigned char *bytes) {
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

// Continues `state` over `length` bytes: a 64-bit folded-multiply hash (the scheme of wyhash) that finds torn, lost or
// reordered frames. It is no signature: a plugin shares its process with the worker and could compute it, too.
static inline uint64_t td_wire_hash(uint64_t state, const void *data, size_t length) {
    static const uint64_t k0 = UINT64_C(0xA0761D6478BD642F), k1 = UINT64_C(0xE7037ED1A0B428DB),
                          k2 = UINT64_C(0x8EBC6AF09C88C6E3), k3 = UINT64_C(0x589965CC75374CC3);
    const unsigned char *at = (const unsigned char *)data;
    size_t rest = length;
    uint64_t one = state ^ k3, two = state, three = state ^ k2;
    while (rest >= 48) {
        one = td_wire_fold(td_wire_load(at) ^ k0, td_wire_load(at + 8) ^ one);
        two = td_wire_fold(td_wire_load(at + 16) ^ k1, td_wire_load(at + 24) ^ two);
        three = td_wire_fold(td_wire_load(at + 32) ^ k2, td_wire_load(at + 40) ^ three);
        at += 48;
        rest -= 48;
    }
    uint64_t hash = one ^ td_wire_fold(two, k1) ^ three;
    while (rest >= 8) {
        hash = td_wire_fold(td_wire_load(at) ^ k0, hash ^ k2);
        at += 8;
        rest -= 8;
    }
    uint64_t tail = 0;
    if (rest > 0) memcpy(&tail, at, rest);
    return td_wire_fold(td_wire_fold(tail ^ k1, hash ^ k3) ^ k0, (uint64_t)length ^ k1);
}

#endif
