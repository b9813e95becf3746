// SPDX-License-Identifier: Apache-2.0
// The host's end of the wire: what Swift cannot say well (descriptor passing, spawning with a descriptor table, seals).
// Every function returns 0 or a non-negative result, or -errno. EINTR is retried inside. Safe from any thread.
#ifndef TWINDROP_WIRE_HOST_H
#define TWINDROP_WIRE_HOST_H

#include <stddef.h>
#include <stdint.h>

// What is fixed for the life of a worker process.
typedef struct td_worker_limits {
    uint64_t address_space;  // bytes
    uint32_t descriptors;
    uint32_t sandbox;        // TD_SANDBOX_… layers to set up; tests leave some out
} td_worker_limits;

// A started worker. The host owns the process (it reaps it) and the descriptors (it closes them).
typedef struct td_worker_process {
    int32_t process;  // pid, and leader of its own process group
    int32_t handle;   // pidfd, readable when the process has ended; -1 where the kernel has none
    int32_t control;  // SOCK_SEQPACKET
    int32_t result;   // read end, non-blocking
    int32_t log;      // read end, non-blocking
} td_worker_process;

// Starts the program at `path` with an empty environment and descriptors 0 … 5 as twindrop_wire.h lists them. The worker
// dies with the calling thread: call it on a thread that lives as long as the program.
int td_wire_spawn(const char *path, int library, const td_worker_limits *limits, td_worker_process *worker);

// Sends one control message, with `descriptor` unless it is -1 (the caller keeps its own). -EPIPE when the worker is gone.
int td_wire_send(int control, uint32_t type, uint64_t size, uint64_t operations_max, const void *name, size_t name_length,
                 int descriptor);

// Makes a sealed, read-only memory file of `length` bytes and returns its descriptor, at offset 0. `label` shows in /proc.
int td_wire_seal(const char *label, const void *bytes, size_t length);

// Opens the file behind a descriptor once more, read-only, so that a worker shares no file offset with the host.
int td_wire_reopen(int descriptor);

// Reads what is there: the count, 0 at the end, -EAGAIN when there is nothing now.
int64_t td_wire_read(int descriptor, void *buffer, size_t capacity);

// Waits for result, log (either may be -1) or the worker's end: a bit mask 1 result, 2 log, 4 ended; 0 after
// `milliseconds`.
int td_wire_wait(int result, int log, int handle, int milliseconds);

// Processor time of all threads of a process, in nanoseconds.
int64_t td_wire_cpu(int32_t process);

// Threads of a process; -errno where that cannot be told.
int64_t td_wire_threads(int32_t process);

// Kills the worker's process group.
void td_wire_kill(int32_t process);

// Reaps the process: 1 and its wait status, or 0 when it has not ended (only with `block` 0).
int td_wire_reap(int32_t process, int block, int *status);

#endif
