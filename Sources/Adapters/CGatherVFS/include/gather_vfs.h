#ifndef TWINDROP_GATHER_VFS_H
#define TWINDROP_GATHER_VFS_H

/// Makes "twindrop-gather" the default VFS of this process's SQLite: the system's own, except that consecutive writes to a
/// write-ahead log are gathered and handed to the kernel together.
///
/// SQLite writes each page of a commit with two calls, the 24 bytes before it shifting every page off the kernel's own, so a
/// commit of a hundred pages makes two hundred calls that touch three pages each. Gathered, it is one call.
///
/// What is gathered is written before anything else happens to the file: before it is synced, read, measured or cut, and when the
/// next write does not follow on; and when a transaction ends, before others may read it. So a commit is as visible and as
/// durable as without. Where writing fails, the call that made it necessary fails, and so does every later one that needs those
/// bytes, until they are written over.
///
/// @return SQLITE_OK, or SQLite's error. May be called any number of times, from any thread.
int td_gather_vfs_register(void);

#endif
