// SPDX-License-Identifier: Apache-2.0 The system-call filter (seccomp BPF, written by hand): a list of what a library that
// computes needs. Everything else answers ENOSYS ("this kernel has no such call"), so that libraries fall back, or EPERM if that
// says more. Only calls that no honest library makes kill the process. Numbers come from the headers, so x86_64 and aarch64
// differ only in which of the calls exist.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the filter knows x86_64 and aarch64"
#endif

static const int allowed[] = {
    // The hot ones first: the filter is a chain.
    SYS_read, SYS_write, SYS_futex, SYS_mmap, SYS_munmap, SYS_madvise, SYS_mprotect, SYS_brk, SYS_mremap, SYS_close,
    SYS_recvmsg, SYS_readv, SYS_writev, SYS_pread64, SYS_preadv, SYS_lseek, SYS_fstat, SYS_newfstatat, SYS_statx,
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_clock_nanosleep, SYS_nanosleep, SYS_sched_yield, SYS_rt_sigaction,
    SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_sigaltstack, SYS_restart_syscall, SYS_exit, SYS_exit_group, SYS_set_robust_list,
    SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_gettid, SYS_getpid, SYS_getppid, SYS_getuid, SYS_geteuid,
    SYS_getgid, SYS_getegid, SYS_getrandom, SYS_getrusage, SYS_getrlimit, SYS_sched_getaffinity, SYS_sched_getparam,
    SYS_sched_getscheduler, SYS_getcpu, SYS_membarrier, SYS_uname, SYS_sysinfo, SYS_times, SYS_readlinkat, SYS_faccessat,
    SYS_getdents64, SYS_getcwd, SYS_dup, SYS_dup3, SYS_pipe2, SYS_eventfd2, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait,
    SYS_ppoll, SYS_pselect6, SYS_timerfd_create, SYS_timerfd_settime, SYS_timerfd_gettime, SYS_memfd_create, SYS_ftruncate,
    SYS_mincore, SYS_msync, SYS_rt_sigtimedwait, SYS_rt_sigpending, SYS_rt_sigsuspend,
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef SYS_access
    SYS_access, SYS_stat, SYS_lstat, SYS_readlink, SYS_poll, SYS_select, SYS_dup2, SYS_pipe, SYS_epoll_wait, SYS_arch_prctl,
    SYS_time, SYS_alarm, SYS_pause,
#endif
};

// An honest library may try these, and gets an error.
static const int refused[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_bind, SYS_listen, SYS_accept, SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg,
    SYS_execve, SYS_execveat, SYS_unlinkat, SYS_mkdirat, SYS_renameat2, SYS_linkat, SYS_symlinkat, SYS_fchmod, SYS_fchmodat,
    SYS_fchown, SYS_fchownat, SYS_utimensat, SYS_truncate, SYS_setuid, SYS_setgid, SYS_setsid, SYS_setpgid,
    SYS_setrlimit, SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_setpriority, SYS_perf_event_open, SYS_shmget, SYS_shmat,
    SYS_msgget, SYS_semget, SYS_chdir, SYS_fchdir, SYS_umask, SYS_inotify_init1, SYS_userfaultfd, SYS_mlock, SYS_mlockall,
#ifdef SYS_fork
    SYS_fork, SYS_vfork, SYS_unlink, SYS_mkdir, SYS_rename, SYS_creat, SYS_link, SYS_symlink, SYS_chmod, SYS_rmdir,
#endif
};

static const int deadly[] = {
    SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_bpf,
    SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot, SYS_swapon, SYS_swapoff, SYS_setns,
    SYS_unshare, SYS_add_key, SYS_request_key, SYS_keyctl, SYS_settimeofday, SYS_clock_settime, SYS_acct,
};

enum { PROGRAM_MAX = 512 };

typedef struct {
    struct sock_filter code[PROGRAM_MAX];
    unsigned length;
    int full;
} program;

static void emit(program *to, struct sock_filter code) {
    if (to->length == PROGRAM_MAX) {
        to->full = 1;
        return;
    }
    to->code[to->length++] = code;
}

static void load(program *to, size_t offset) {
    emit(to, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(program *to, uint32_t action) { emit(to, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }

static void list(program *to, const int *calls, size_t count, uint32_t action) {
    for (size_t i = 0; i < count; i++) {
        emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], 0, 1));
        answer(to, action);
    }
}

// The low half of an argument: where the kernel looks at 32 bits only, so does the filter.
static size_t argument(int index) { return offsetof(struct seccomp_data, args) + 8 * (size_t)index; }

// For one call: allowed when its argument is one of `values`, else `action`.
static void only(program *to, int call, int index, const uint32_t *values, uint8_t count, uint32_t action) {
    emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, (uint8_t)(2 * count + 2)));
    load(to, argument(index));
    for (uint8_t i = 0; i < count; i++) {
        emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, values[i], 0, 1));
        answer(to, SECCOMP_RET_ALLOW);
    }
    answer(to, action);
}

// For one call: allowed when (argument & mask) == value, else `action`.
static void masked(program *to, int call, int index, uint32_t mask, uint32_t value, uint32_t action) {
    emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 5));
    load(to, argument(index));
    emit(to, (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, mask));
    emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1));
    answer(to, SECCOMP_RET_ALLOW);
    answer(to, action);
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void build(program *to) {
    const uint32_t permission = SECCOMP_RET_ERRNO | EPERM, missing = SECCOMP_RET_ERRNO | ENOSYS;
    const uint32_t self = (uint32_t)getpid(), whole[] = {self}, own[] = {0, self};
    const uint32_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | (O_TMPFILE & ~O_DIRECTORY);
    static const uint32_t controls[] = {F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETPIPE_SZ};
    static const uint32_t terminals[] = {TCGETS, FIONREAD, FIOCLEX};
    static const uint32_t processes[] = {PR_SET_NAME, PR_GET_NAME, 0x53564D41 /* PR_SET_VMA */, PR_GET_DUMPABLE};
    load(to, offsetof(struct seccomp_data, arch));
    emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0));
    answer(to, SECCOMP_RET_KILL_PROCESS);
    load(to, offsetof(struct seccomp_data, nr));
#ifdef __x86_64__
    emit(to, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1));  // the x32 calls
    answer(to, SECCOMP_RET_KILL_PROCESS);
#endif
    list(to, allowed, COUNT(allowed), SECCOMP_RET_ALLOW);
    // Threads are made with clone: clone3 hides its flags behind a pointer, and libc falls back.
    masked(to, SYS_clone, 0, CLONE_THREAD | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET, CLONE_THREAD, permission);
    masked(to, SYS_openat, 2, writing, O_RDONLY, permission);
#ifdef SYS_open
    masked(to, SYS_open, 1, writing, O_RDONLY, permission);
#endif
    only(to, SYS_fcntl, 1, controls, COUNT(controls), permission);
    only(to, SYS_ioctl, 1, terminals, COUNT(terminals), permission);
    only(to, SYS_prctl, 0, processes, COUNT(processes), permission);
    only(to, SYS_tgkill, 0, whole, 1, permission);  // abort()
    only(to, SYS_kill, 0, whole, 1, permission);
    only(to, SYS_prlimit64, 0, own, 2, permission);
    list(to, refused, COUNT(refused), permission);
    list(to, deadly, COUNT(deadly), SECCOMP_RET_KILL_PROCESS);
    answer(to, missing);
}

int sandbox_filter_calls(void) {
    static program filter;
    build(&filter);
    struct sock_fprog description = {.len = (unsigned short)filter.length, .filter = filter.code};
    return !filter.full && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &description) == 0;
}
