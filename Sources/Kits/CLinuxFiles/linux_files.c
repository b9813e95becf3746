#define _GNU_SOURCE
#include "linux_files.h"

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

int linux_rename_noreplace(int from_folder, const char *from, int to_folder, const char *to) {
    return renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE);
}

int linux_start_writing(int descriptor) { return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

int linux_finish_writing(int descriptor) {
    return sync_file_range(descriptor, 0, 0,
                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
}

int linux_sync_file_system(int descriptor) { return syncfs(descriptor); }

int linux_set_lease(int descriptor, int type) { return fcntl(descriptor, F_SETLEASE, type); }

int linux_get_lease(int descriptor) { return fcntl(descriptor, F_GETLEASE); }

int linux_ignore_lease_signal(void) { return signal(SIGIO, SIG_IGN) == SIG_ERR ? -1 : 0; }

static uint32_t *volatile fault_mark;

// Does only what a signal handler may do. SA_RESETHAND has set the default action again, which ends the process when this
// returns.
static void note_fault(int number) {
    uint32_t *mark = fault_mark;
    if (mark) *mark = (uint32_t)number;
    (void)raise(number);
}

void linux_note_faults(uint32_t *mark) {
    static const int faults[] = {SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV};
    fault_mark = mark;
    if (!mark) return;
    struct sigaction action = {.sa_handler = note_fault, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++) (void)sigaction(faults[i], &action, NULL);
}

long long linux_file_system_magic(int descriptor) {
    struct statfs status;
    return fstatfs(descriptor, &status) == 0 ? (long long)(uint32_t)status.f_type : -1;
}

const void *linux_find_bytes(const void *bytes, size_t count, const void *needle, size_t length) {
    return memmem(bytes, count, needle, length);
}
