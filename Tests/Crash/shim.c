// SPDX-License-Identifier: Apache-2.0
// Preloaded into twindrop by the crash tests: numbers every call that changes what is on the disk below CRASH_ROOT, and at
// number CRASH_AT does what CRASH_MODE says: `before` or `after` (SIGKILL around the call), `cut-before` or `cut-after` (first
// the file system below CRASH_ROOT loses what was not synced, then SIGKILL: a power cut), `eio`, `enospc` (the call fails), or
// `short` (a write writes half). From then on calls go through, unless CRASH_STICKY is set (every later write fails with ENOSPC).
// The count of a whole run is written to CRASH_COUNT when the process ends, so that the driver knows the last number. CRASH_TRACE
// gets a line for each numbered call. A file that is synced again after a sync of it failed, without having been made anew, is
// written to CRASH_TRACE as `synced-again`: the second success proves nothing (docs/failure-model.md, "Errors from storage").
// Another thread may be on its way into its own call in the moment of the failure: it has 50 ms.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum mode { NONE, BEFORE, AFTER, FAIL_EIO, FAIL_ENOSPC, SHORT, CUT_BEFORE, CUT_AFTER, MODES };

static const char *root;
static size_t root_length;
static long crash_at;
static enum mode mode;
static int sticky;
static atomic_long counter;
static int trace = -1;

__attribute__((constructor)) static void start(void) {
    root = getenv("CRASH_ROOT");
    root_length = root ? strlen(root) : 0;
    const char *at = getenv("CRASH_AT"), *how = getenv("CRASH_MODE"), *log = getenv("CRASH_TRACE");
    crash_at = at ? atol(at) : 0;
    sticky = getenv("CRASH_STICKY") != NULL;
    static const char *names[] = {"none", "before", "after", "eio", "enospc", "short", "cut-before", "cut-after"};
    for (int i = 0; how && i < MODES; i++)
        if (!strcmp(how, names[i])) mode = (enum mode)i;
    if (log) trace = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    unsetenv("LD_PRELOAD");
}

__attribute__((destructor)) static void end(void) {
    const char *path = getenv("CRASH_COUNT");
    if (!path || !root) return;
    FILE *file = fopen(path, "w");
    if (!file) return;
    fprintf(file, "%ld\n", atomic_load(&counter));
    fclose(file);
}

// The file whose sync failed on command; cleared when it is emptied. It is kept open, so that nothing new gets its inode.
static atomic_ulong failed_device, failed_inode;
static atomic_long failed_at, failed_thread;

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void note_failed(int descriptor) {
    struct stat facts;
    if (fstat(descriptor, &facts)) return;
    atomic_store(&failed_at, milliseconds());
    atomic_store(&failed_thread, gettid());
    atomic_store(&failed_device, facts.st_dev);
    atomic_store(&failed_inode, facts.st_ino);
    fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
}

static void note_again(int descriptor) {
    struct stat facts;
    if (trace < 0 || !atomic_load(&failed_inode) || fstat(descriptor, &facts)) return;
    if (facts.st_ino != atomic_load(&failed_inode) || facts.st_dev != atomic_load(&failed_device)) return;
    if (gettid() != atomic_load(&failed_thread) && milliseconds() - atomic_load(&failed_at) < 50) return;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    dprintf(trace, "synced-again %s\n", path);
}

static void note_made(int descriptor) {
    struct stat facts;
    if (descriptor < 0 || !atomic_load(&failed_inode) || fstat(descriptor, &facts)) return;
    if (facts.st_ino == atomic_load(&failed_inode)) atomic_store(&failed_inode, 0);
}

static int below(const char *path) { return root && path && !strncmp(path, root, root_length); }

static int below_descriptor(int descriptor) {
    char link[64], path[PATH_MAX];
    if (!root) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return 0;
    path[length] = 0;
    return below(path);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

// XFS_IOC_GOINGDOWN of <xfs/xfs_fs.h>, which ext4 answers, too: from now on nothing reaches the medium, and the log is not
// flushed (2).
static void cut(void) {
    unsigned flags = 2;
    int descriptor = NEXT(open)(root, O_RDONLY | O_DIRECTORY);
    if (descriptor < 0 || ioctl(descriptor, _IOR('X', 125, unsigned), &flags)) abort();
    die();
}

// The number of this call; 0 when it does not count. Kills before the call when asked.
static long enter(const char *call, int counts) {
    if (!counts) return 0;
    long number = atomic_fetch_add(&counter, 1) + 1;
    if (trace >= 0) dprintf(trace, "%ld %s\n", number, call);
    if (number == crash_at && mode == BEFORE) die();
    if (number == crash_at && mode == CUT_BEFORE) cut();
    return number;
}

// The errno this call is to fail with; 0 when it is to go through.
static int failure(long number, int writes) {
    if (!number) return 0;
    if (sticky && writes && number >= crash_at && mode == FAIL_ENOSPC) return ENOSPC;
    if (number != crash_at) return 0;
    return mode == FAIL_EIO ? EIO : mode == FAIL_ENOSPC ? ENOSPC : 0;
}

static void leave(long number) {
    if (number && number == crash_at && mode == AFTER) die();
    if (number && number == crash_at && mode == CUT_AFTER) cut();
}

#define CALL(counts, writes, name, ...)                        \
    long number = enter(#name, counts);                        \
    int code = failure(number, writes);                        \
    if (code) {                                                \
        errno = code;                                          \
        return -1;                                             \
    }                                                          \
    __typeof__(NEXT(name)(__VA_ARGS__)) result = NEXT(name)(__VA_ARGS__); \
    int saved = errno;                                         \
    leave(number);                                             \
    errno = saved;                                             \
    return result;

#define HALF(number, length) ((number) && (number) == crash_at && mode == SHORT && (length) > 1 ? (length) / 2 : (length))

#define SYNC(name)                            \
    note_again(fd);                           \
    long number = enter(#name, below_descriptor(fd)); \
    int code = failure(number, 0);            \
    if (code) {                               \
        note_failed(fd);                      \
        errno = code;                         \
        return -1;                            \
    }                                         \
    int result = NEXT(name)(fd), saved = errno; \
    leave(number);                            \
    errno = saved;                            \
    return result;

int fsync(int fd) { SYNC(fsync) }
int fdatasync(int fd) { SYNC(fdatasync) }
int syncfs(int fd) { CALL(below_descriptor(fd), 0, syncfs, fd) }
int sync_file_range(int fd, off64_t at, off64_t length, unsigned flags) {
    CALL(below_descriptor(fd), 0, sync_file_range, fd, at, length, flags)
}

// Only what makes or empties a file changes the disk.
#define OPEN(name, counts, ...)                                  \
    mode_t bits = 0;                                             \
    if (flags & (O_CREAT | O_TMPFILE)) {                         \
        va_list list;                                            \
        va_start(list, flags);                                   \
        bits = va_arg(list, mode_t);                             \
        va_end(list);                                            \
    }                                                            \
    long number = enter(#name, (flags & (O_CREAT | O_TRUNC)) && (counts)); \
    int code = failure(number, 1);                               \
    if (code) {                                                  \
        errno = code;                                            \
        return -1;                                               \
    }                                                            \
    int result = NEXT(name)(__VA_ARGS__), saved = errno;         \
    if (flags & (O_EXCL | O_TRUNC)) note_made(result);           \
    leave(number);                                               \
    errno = saved;                                               \
    return result;

int open(const char *path, int flags, ...) { OPEN(open, below(path), path, flags, bits) }
int open64(const char *path, int flags, ...) { OPEN(open64, below(path), path, flags, bits) }
int openat(int at, const char *path, int flags, ...) {
    OPEN(openat, below(path) || (path[0] != '/' && below_descriptor(at)), at, path, flags, bits)
}
int openat64(int at, const char *path, int flags, ...) {
    OPEN(openat64, below(path) || (path[0] != '/' && below_descriptor(at)), at, path, flags, bits)
}
int unlink(const char *path) { CALL(below(path), 0, unlink, path) }
int unlinkat(int at, const char *path, int flags) {
    CALL(below(path) || below_descriptor(at), 0, unlinkat, at, path, flags)
}
int rename(const char *from, const char *to) { CALL(below(to) || below(from), 0, rename, from, to) }
int renameat(int a, const char *from, int b, const char *to) {
    CALL(below(to) || below_descriptor(b), 0, renameat, a, from, b, to)
}
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) {
    CALL(below(to) || below_descriptor(b), 0, renameat2, a, from, b, to, flags)
}
int link(const char *from, const char *to) { CALL(below(to), 0, link, from, to) }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    CALL(below(to) || below_descriptor(b), 0, linkat, a, from, b, to, flags)
}
int symlink(const char *from, const char *to) { CALL(below(to), 0, symlink, from, to) }
int symlinkat(const char *from, int at, const char *to) {
    CALL(below(to) || below_descriptor(at), 0, symlinkat, from, at, to)
}
int mkdir(const char *path, mode_t bits) { CALL(below(path), 1, mkdir, path, bits) }
int mkdirat(int at, const char *path, mode_t bits) {
    CALL(below(path) || below_descriptor(at), 1, mkdirat, at, path, bits)
}
int ftruncate(int fd, off_t length) { CALL(below_descriptor(fd), 0, ftruncate, fd, length) }
int ftruncate64(int fd, off64_t length) { CALL(below_descriptor(fd), 0, ftruncate64, fd, length) }

#define WRITE(name, length, ...)                                           \
    long number = enter(#name, below_descriptor(fd));                      \
    int code = failure(number, 1);                                         \
    if (code) {                                                            \
        errno = code;                                                      \
        return -1;                                                         \
    }                                                                      \
    size_t part = HALF(number, length);                                    \
    ssize_t result = __VA_ARGS__;                                          \
    int saved = errno;                                                     \
    leave(number);                                                         \
    errno = saved;                                                         \
    return result;

ssize_t write(int fd, const void *bytes, size_t length) { WRITE(write, length, NEXT(write)(fd, bytes, part)) }
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at) { WRITE(pwrite, length, NEXT(pwrite)(fd, bytes, part, at)) }
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t at) {
    WRITE(pwrite64, length, NEXT(pwrite64)(fd, bytes, part, at))
}
ssize_t writev(int fd, const struct iovec *parts, int count) { CALL(below_descriptor(fd), 1, writev, fd, parts, count) }
