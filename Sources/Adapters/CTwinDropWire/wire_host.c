// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "twindrop_wire_host.h"
#include "twindrop_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif

enum { RESULT_PIPE = 1 << 20, FIRST_FREE = 16 };

// The one place that retries a call a signal interrupted.
#define RETRY(call) __extension__({ long long r_; do { r_ = (call); } while (r_ < 0 && errno == EINTR); r_; })

static void close_all(int *descriptors, int count) {
    for (int i = 0; i < count; i++)
        if (descriptors[i] >= 0) close(descriptors[i]);
}

// Makes the pipes and the socket, all out of the way of the numbers 0 … 5 in the child: [0] and [1] control, [2] and [3]
// result (read, write), [4] and [5] log (read, write), [6] /dev/null.
static int open_channels(int d[7]) {
    for (int i = 0; i < 7; i++) d[i] = -1;
    int failed = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, &d[0]) < 0 || pipe2(&d[2], O_CLOEXEC) < 0 ||
                 pipe2(&d[4], O_CLOEXEC) < 0 || (d[6] = open("/dev/null", O_RDWR | O_CLOEXEC)) < 0;
    static const int child[4] = {1, 3, 5, 6};
    for (int i = 0; i < 4 && !failed; i++) {
        int moved = fcntl(d[child[i]], F_DUPFD_CLOEXEC, FIRST_FREE);
        failed = moved < 0;
        if (!failed) {
            close(d[child[i]]);
            d[child[i]] = moved;
        }
    }
    if (!failed) failed = fcntl(d[2], F_SETFL, O_NONBLOCK) < 0 || fcntl(d[4], F_SETFL, O_NONBLOCK) < 0;
    if (failed) {
        int error = errno;
        close_all(d, 7);
        return -error;
    }
    // A smaller pipe is only slower; an unprivileged user over pipe-user-pages-soft gets one.
    (void)fcntl(d[3], F_SETPIPE_SZ, RESULT_PIPE);
    return 0;
}

static int start(const char *path, int library, const td_worker_limits *limits, const int d[7], pid_t *process) {
    char parent[24], space[24], descriptors[24], layers[24];
    snprintf(parent, sizeof parent, "%ld", (long)getpid());
    snprintf(space, sizeof space, "%llu", (unsigned long long)limits->address_space);
    snprintf(descriptors, sizeof descriptors, "%u", limits->descriptors);
    snprintf(layers, sizeof layers, "%u", limits->sandbox);
    char *const arguments[] = {"twindrop-worker", parent, space, descriptors, layers, NULL};
    char *const environment[] = {NULL};

    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error) return -error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return -error;
    }
    const int table[6][2] = {{d[6], 0}, {d[5], 1}, {d[5], 2}, {d[1], 3}, {d[3], 4}, {library, 5}};
    for (int i = 0; i < 6 && !error; i++) error = posix_spawn_file_actions_adddup2(&actions, table[i][0], table[i][1]);
    if (!error) error = posix_spawn_file_actions_addclosefrom_np(&actions, 6);
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &none);
    if (!error) error = posix_spawnattr_setsigdefault(&attributes, &all);
    if (!error) error = posix_spawnattr_setpgroup(&attributes, 0);
    short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
    if (!error) error = posix_spawnattr_setflags(&attributes, flags);
    // posix_spawn shares memory with the child until exec and takes no lock of ours: safe with other threads running.
    if (!error) error = posix_spawn(process, path, &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -error;
}

int td_wire_spawn(const char *path, int library, const td_worker_limits *limits, td_worker_process *worker) {
    int d[7];
    int error = open_channels(d);
    if (error) return error;
    int high = fcntl(library, F_DUPFD_CLOEXEC, FIRST_FREE);  // so that no dup2 before it overwrites its number
    if (high < 0) {
        error = -errno;
        close_all(d, 7);
        return error;
    }
    pid_t process = -1;
    error = start(path, high, limits, d, &process);
    int child[5] = {d[1], d[3], d[5], d[6], high};
    close_all(child, 5);
    if (error) {
        int host[3] = {d[0], d[2], d[4]};
        close_all(host, 3);
        return error;
    }
    worker->process = process;
    worker->handle = (int)syscall(SYS_pidfd_open, process, 0);  // sets FD_CLOEXEC
    worker->control = d[0];
    worker->result = d[2];
    worker->log = d[4];
    return 0;
}

int td_wire_send(int control, uint32_t type, uint64_t size, uint64_t operations_max, const void *name, size_t name_length,
                 int descriptor) {
    if (name_length > TD_WIRE_NAME_MAX) return -EMSGSIZE;
    td_wire_control head = {.type = type, .name_length = (uint32_t)name_length, .size = size, .operations_max = operations_max};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)(uintptr_t)name, name_length}};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } ancillary;
    memset(&ancillary, 0, sizeof ancillary);
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = name_length ? 2 : 1};
    if (descriptor >= 0) {
        message.msg_control = ancillary.bytes;
        message.msg_controllen = sizeof ancillary.bytes;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(rights), &descriptor, sizeof(int));
    }
    // The worker is idle when it is sent to, so its queue is empty; a full one is a defect and must not block the host.
    ssize_t sent = RETRY(sendmsg(control, &message, MSG_NOSIGNAL | MSG_DONTWAIT));
    return sent < 0 ? -errno : 0;
}

int td_wire_seal(const char *label, const void *bytes, size_t length) {
    int file = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
    if (file < 0 && errno == EINVAL) file = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING);  // before Linux 6.3
    if (file < 0 && errno == EACCES) file = memfd_create(label, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
    if (file < 0) return -errno;
    size_t done = 0;
    while (done < length) {
        ssize_t count = RETRY(write(file, (const char *)bytes + done, length - done));
        if (count < 0) {
            int error = errno;
            close(file);
            return -error;
        }
        done += (size_t)count;
    }
    int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
    int sealed = fcntl(file, F_ADD_SEALS, seals);
    // EBUSY: the kernel itself holds a page for a moment, say while it moves memory.
    for (int tries = 0; sealed < 0 && errno == EBUSY && tries < 100; tries++) {
        struct timespec pause = {.tv_nsec = 10 * 1000 * 1000};
        nanosleep(&pause, NULL);
        sealed = fcntl(file, F_ADD_SEALS, seals);
    }
    if (sealed < 0 || lseek(file, 0, SEEK_SET) < 0) {
        int error = errno;
        close(file);
        return -error;
    }
    return file;
}

int td_wire_reopen(int descriptor) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    int file = (int)RETRY(open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY));
    return file < 0 ? -errno : file;
}

int64_t td_wire_read(int descriptor, void *buffer, size_t capacity) {
    ssize_t count = RETRY(read(descriptor, buffer, capacity));
    return count < 0 ? -errno : count;
}

int td_wire_wait(int result, int log, int handle, int milliseconds) {
    struct pollfd waits[3] = {{result, POLLIN, 0}, {log, POLLIN, 0}, {handle, POLLIN, 0}};
    int count = poll(waits, 3, milliseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    int ready = 0;
    for (int i = 0; i < 3; i++)
        if (waits[i].revents) ready |= 1 << i;
    return ready;
}

int64_t td_wire_cpu(int32_t process) {
    clockid_t clock;
    int error = clock_getcpuclockid(process, &clock);
    if (error) return -error;
    struct timespec used;
    if (clock_gettime(clock, &used) < 0) return -errno;
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

int64_t td_wire_threads(int32_t process) {
    char path[40];
    snprintf(path, sizeof path, "/proc/%d/task", process);
    struct stat folder;
    // The folder has a link for each thread, beside its own two (proc_task_getattr): one call, and nothing to read.
    return stat(path, &folder) < 0 ? -errno : (int64_t)folder.st_nlink - 2;
}

void td_wire_kill(int32_t process) {
    if (process <= 1) return;
    if (kill(-process, SIGKILL) < 0) (void)kill(process, SIGKILL);  // Not reaped yet, so the number is still its own.
}

int td_wire_reap(int32_t process, int block, int *status) {
    pid_t ended = (pid_t)RETRY(waitpid(process, status, block ? 0 : WNOHANG));
    if (ended < 0) return -errno;
    return ended == process ? 1 : 0;
}
