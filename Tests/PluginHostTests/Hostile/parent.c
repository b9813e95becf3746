// Starts a worker as the daemon does, says its process number, and waits to be killed. A child of its own then still holds the
// worker's socket and pipes, until standard input ends: so the worker can learn of the death by the signal only.
#define _GNU_SOURCE
#include "twindrop_wire.h"
#include "twindrop_wire_host.h"
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **arguments) {
    syscall(SYS_close_range, 3U, ~0U, 0);  // What the test has open would keep its own pipe open.
    td_worker_limits limits = {.address_space = 512 << 20, .descriptors = 16, .sandbox = TD_SANDBOX_ALL};
    td_worker_process worker;
    int library = count == 2 ? td_wire_seal("nothing", "x", 1) : -1;
    if (library < 0 || td_wire_spawn(arguments[1], library, &limits, &worker) != 0) return 1;
    pid_t holder = fork();
    if (holder < 0) return 1;
    if (holder == 0) {
        char nothing;
        close(1);
        close(2);
        return read(0, &nothing, 1) == 0 ? 0 : 1;
    }
    printf("%d\n", worker.process);
    fflush(stdout);
    for (;;) pause();
}
