// Starts a worker as the daemon does, says its process number, and waits to be killed.
#include "twindrop_wire.h"
#include "twindrop_wire_host.h"
#include <stdio.h>
#include <unistd.h>

int main(int count, char **arguments) {
    td_worker_limits limits = {.address_space = 512 << 20, .descriptors = 16, .sandbox = TD_SANDBOX_ALL};
    td_worker_process worker;
    int library = count == 2 ? td_wire_seal("nothing", "x", 1) : -1;
    if (library < 0 || td_wire_spawn(arguments[1], library, &limits, &worker) != 0) return 1;
    printf("%d\n", worker.process);
    fflush(stdout);
    for (;;) pause();
}
