// SPDX-License-Identifier: Apache-2.0
// What the process gives up before it loads a plugin, from the outside in: resources, privileges, files, network, calls.
// Layers the kernel lacks are left out and missing in the result; the host reports them.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <link.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// The rights and rule attributes below are newer than the headers of Debian 12.
enum {
    FS_ALL_1 = (1 << 13) - 1,
    FS_REFER = 1 << 13,      // ABI 2
    FS_TRUNCATE = 1 << 14,   // ABI 3
    FS_IOCTL_DEV = 1 << 15,  // ABI 5
    NET_TCP = 3,             // ABI 4: bind, connect
    SCOPE_ALL = 3            // ABI 6: abstract sockets, signals
};

struct ruleset {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

static void limit(int resource, rlim_t value) {
    struct rlimit both = {value, value};
    struct rlimit now;
    if (getrlimit(resource, &now) == 0 && now.rlim_max < value) both.rlim_cur = both.rlim_max = now.rlim_max;
    if (setrlimit(resource, &both) < 0) {
        message_set(-1, "The worker could not be prepared: a resource limit was refused (%s).", strerrorname_np(errno));
        message_send(TD_WIRE_STATUS_SETUP);
        _exit(71);
    }
}

static uint32_t set_limits(uint64_t address_space, uint32_t descriptors) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_MEMLOCK, 0);
    limit(RLIMIT_MSGQUEUE, 0);
    limit(RLIMIT_NOFILE, descriptors);
    limit(RLIMIT_AS, address_space);
    return TD_SANDBOX_LIMITS;
}

static uint32_t drop_privileges(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return 0;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) < 0) return 0;
    return TD_SANDBOX_NO_PRIVILEGES;
}

static void allow(int ruleset, const char *path, uint64_t rights) {
    int file = (int)RETRY(open(path, O_PATH | O_CLOEXEC));
    if (file < 0) return;  // The folder is not on this machine, so nobody needs it.
    struct stat kind;
    if (fstat(file, &kind) == 0 && !S_ISDIR(kind.st_mode)) rights &= ~(uint64_t)LANDLOCK_ACCESS_FS_READ_DIR;
    struct landlock_path_beneath_attr rule = {.allowed_access = rights, .parent_fd = file};
    // A rule that cannot be added only takes more away.
    (void)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(file);
}

// The folders this process itself was linked from, wherever the distribution keeps them.
static int allow_linked(struct dl_phdr_info *library, size_t size, void *context) {
    (void)size;
    char path[4096];
    if (!library->dlpi_name || library->dlpi_name[0] != '/' || strlen(library->dlpi_name) >= sizeof path) return 0;
    strcpy(path, library->dlpi_name);
    allow(*(int *)context, dirname(path), LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
    return 0;
}

static uint32_t restrict_files(void) {
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return 0;
    struct ruleset rules = {.files = FS_ALL_1};
    size_t size = sizeof rules.files;
    if (abi >= 2) rules.files |= FS_REFER;
    if (abi >= 3) rules.files |= FS_TRUNCATE;
    if (abi >= 5) rules.files |= FS_IOCTL_DEV;
    if (abi >= 4) {
        rules.network = NET_TCP;
        size = 2 * sizeof(uint64_t);
    }
    if (abi >= 6) {
        rules.scoped = SCOPE_ALL;
        size = sizeof rules;
    }
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (ruleset < 0) return 0;
    static const char *const readable[] = {
        "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache",
        "/dev/null", "/dev/zero", "/dev/urandom", "/proc/self/maps", "/sys/devices/system/cpu",
    };
    for (size_t i = 0; i < sizeof readable / sizeof *readable; i++)
        allow(ruleset, readable[i], LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
    dl_iterate_phdr(allow_linked, &ruleset);
    long failed = syscall(SYS_landlock_restrict_self, ruleset, 0);
    close(ruleset);
    if (failed) return 0;
    return TD_SANDBOX_FILES | (abi >= 4 ? TD_SANDBOX_NETWORK : 0) | (abi >= 6 ? TD_SANDBOX_SIGNALS : 0);
}

uint32_t sandbox_enter(uint32_t wanted, uint64_t address_space, uint32_t descriptors) {
    uint32_t done = 0;
    (void)syscall(SYS_close_range, TD_WIRE_LIBRARY_FD + 1, ~0U, 0);  // posix_spawn did so already
    if (wanted & TD_SANDBOX_LIMITS) done |= set_limits(address_space, descriptors);
    if (wanted & TD_SANDBOX_NO_PRIVILEGES) done |= drop_privileges();
    if (wanted & TD_SANDBOX_FILES) done |= restrict_files();
    if (wanted & TD_SANDBOX_CALLS && sandbox_filter_calls()) done |= TD_SANDBOX_CALLS;
    return done;
}
