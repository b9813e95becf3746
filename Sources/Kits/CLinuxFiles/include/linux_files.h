// The Linux calls that Swift's Glibc module hides, because it is built without _GNU_SOURCE, or that only C can say. Those of
// files return -1 with errno set on failure.
#ifndef TWINDROP_LINUX_FILES_H
#define TWINDROP_LINUX_FILES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/// renameat2(2) with RENAME_NOREPLACE: an existing target is EEXIST.
int linux_rename_noreplace(int from_folder, const char *from, int to_folder, const char *to);

/// sync_file_range(2) over the whole file with SYNC_FILE_RANGE_WRITE: starts writing its dirty pages without waiting.
int linux_start_writing(int descriptor);

/// sync_file_range(2) over the whole file, waiting until its dirty pages are written; reports a write error that was not reported
/// before.
int linux_finish_writing(int descriptor);

/// syncfs(2): everything on the descriptor's file system is durable. Write errors since the descriptor was opened are reported.
int linux_sync_file_system(int descriptor);

/// fcntl(2) with F_SETLEASE: `type` is F_RDLCK or F_UNLCK.
int linux_set_lease(int descriptor, int type);

/// fcntl(2) with F_GETLEASE: F_RDLCK while a read lease is held and nobody waits for its end.
int linux_get_lease(int descriptor);

/// Ignores SIGIO, which the kernel sends to the holder of a lease that it wants to break.
int linux_ignore_lease_signal(void);

/// The magic number of the file system the descriptor is on (fstatfs(2), `f_type`), 32 bits.
long long linux_file_system_magic(int descriptor);

/// From now on SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE and SIGSEGV write their number to `*mark` before they end the process,
/// as they do anyway; NULL: no more.
void linux_note_faults(uint32_t *mark);

/// The user that owns the client's end of a TCP connection within this machine: 1 and `*user`. 0 if that is unknown, as for a
/// client on another machine, or one that has closed its socket. Blocks for some 20 µs, the time of two looks at the kernel's
/// tables.
int linux_peer_user(const struct sockaddr *client, const struct sockaddr *server, uint32_t *user);

/// memmem(3): where `needle` begins in `bytes`, or NULL.
const void *linux_find_bytes(const void *bytes, size_t count, const void *needle, size_t length);

#endif
