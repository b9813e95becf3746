// A worker that speaks the wire wrongly: the name of the input says how. Loads no plugin.
#define _GNU_SOURCE
#include "twindrop_wire.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void frame(uint32_t length, uint8_t type, const void *payload, size_t count) {
    unsigned char bytes[512];
    memcpy(bytes, &length, 4);
    bytes[4] = type;
    if (count) memcpy(bytes + 5, payload, count);
    if (write(TD_WIRE_RESULT_FD, bytes, 5 + count) < 0) _exit(1);
}

static void hello(void) {
    struct {
        td_wire_hello head;
        char words[9];
    } message = {
        {.wire_version = TD_WIRE_VERSION, .abi_major = 1, .sandbox = TD_SANDBOX_ALL, .id_length = 4, .version_length = 5},
        "fake1.0.0"};
    frame(sizeof message.head + 9, TD_WIRE_HELLO, &message, sizeof message.head + 9);
}

static void end(uint64_t hash) {
    td_wire_end last = {.hash = hash};
    frame(sizeof last, TD_WIRE_END, &last, sizeof last);
}

int main(void) {
    td_wire_control order;
    char name[256] = {0};
    struct iovec parts[2] = {{&order, sizeof order}, {name, sizeof name - 1}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    for (int round = 0; recvmsg(TD_WIRE_CONTROL_FD, &message, 0) > 0; round++, memset(name, 0, sizeof name)) {
        if (order.type == TD_WIRE_OPEN) {
            hello();
            continue;
        }
        static const unsigned char scope[] = {TD_ENTRY_SCOPE, 1, 'a'}, key[] = {TD_ENTRY_KEY, 1, 0xFF};
        if (!strcmp(name, "huge-length")) frame(0xFFFFFFFF, TD_WIRE_OPS, scope, 3), pause();
        if (!strcmp(name, "unknown-type")) frame(3, 99, scope, 3), pause();
        if (!strcmp(name, "second-hello")) hello(), pause();
        if (!strcmp(name, "early-end")) frame(100, TD_WIRE_OPS, scope, 3), exit(0);
        if (!strcmp(name, "bad-hash")) frame(3, TD_WIRE_OPS, scope, 3), end(1), pause();
        if (!strcmp(name, "torn-end")) frame(3, TD_WIRE_END, scope, 3), pause();
        if (!strcmp(name, "torn-error")) frame(3, TD_WIRE_ERROR, scope, 3), pause();
        if (!strcmp(name, "bad-key")) frame(3, TD_WIRE_KEYS, key, 3), pause();
        if (!strcmp(name, "closed-pipe")) close(TD_WIRE_RESULT_FD), pause();
        if (!strcmp(name, "data-after-end")) {
            unsigned char both[5 + sizeof(td_wire_end) + 8] = {sizeof(td_wire_end), 0, 0, 0, TD_WIRE_END};
            td_wire_end last = {.hash = TD_WIRE_SEED};
            memcpy(both + 5, &last, sizeof last);
            memcpy(both + 5 + sizeof last, "\3\0\0\0\2abc", 8);
            if (write(TD_WIRE_RESULT_FD, both, sizeof both) < 0) _exit(1);
            pause();
        }
        end(TD_WIRE_SEED);  // "good": nothing, but well
    }
    return 0;
}
