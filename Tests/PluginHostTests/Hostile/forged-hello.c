// A worker whose first word is a HELLO that claims a whole sandbox, as a plugin would forge it.
#define _GNU_SOURCE
#include "twindrop_wire.h"
#include <unistd.h>

int main(void) {
    struct {
        uint32_t length;
        uint8_t type;
        td_wire_hello head;
        char words[10];
    } __attribute__((packed)) message = {
        sizeof(td_wire_hello) + 10, TD_WIRE_HELLO,
        {.wire_version = TD_WIRE_VERSION, .abi_major = 1, .sandbox = TD_SANDBOX_ALL, .id_length = 5, .version_length = 5}, "forge1.0.0"};
    if (write(TD_WIRE_RESULT_FD, &message, sizeof message) < 0) return 1;
    for (;;) pause();
}
