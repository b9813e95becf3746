#include "gather_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum {
    CAPACITY = 1 << 20,
    /// SQLite's unix VFS takes at most 128 KiB at once, less a byte.
    PIECE = 1 << 16,
    LOG_HEADER = 32,
    FRAME_HEADER = 24,
};

/// A write-ahead log. The system's own file follows it in memory.
typedef struct {
    sqlite3_file head;
    sqlite3_file *real;
    unsigned char *bytes;
    sqlite3_int64 start;
    int count;
    /// SQLITE_OK, or why the bytes from `start` on could not be written.
    int failure;
    /// The page of a commit's last frame comes next.
    int commits;
} gather_file;

static sqlite3_vfs gather;
static sqlite3_vfs *real_vfs;
static int registered;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static gather_file *of(sqlite3_file *file) { return (gather_file *)file; }

static int flush(gather_file *log) {
    if (log->failure != SQLITE_OK) return log->failure;
    if (log->count == 0) return SQLITE_OK;
    for (int done = 0, step; done < log->count && log->failure == SQLITE_OK; done += step) {
        sqlite3_int64 offset = log->start + done;
        step = PIECE - (int)(offset % PIECE);
        if (step > log->count - done) step = log->count - done;
        log->failure = log->real->pMethods->xWrite(log->real, log->bytes + done, step, offset);
    }
    if (log->failure == SQLITE_OK) log->count = 0;
    return log->failure;
}

/// Whether `bytes` are the header of a frame that ends a transaction: others may read it as soon as it and its page are written,
/// synced or not (SQLite's file format, 4.1: the size of the database stands in bytes 4 to 7 of such a header).
static int ends_transaction(const void *bytes, int count, sqlite3_int64 offset) {
    static const unsigned char none[4];
    return count == FRAME_HEADER && offset >= LOG_HEADER && memcmp((const unsigned char *)bytes + 4, none, 4) != 0;
}

static int gather_write(gather_file *log, const void *bytes, int count, sqlite3_int64 offset) {
    if (log->failure != SQLITE_OK) {
        if (offset > log->start) return log->failure;
        log->failure = SQLITE_OK;
        log->count = 0;
    }
    if (log->count > 0 && (offset != log->start + log->count || count > CAPACITY - log->count)) {
        int code = flush(log);
        if (code != SQLITE_OK) return code;
    }
    if (log->bytes == NULL) log->bytes = malloc(CAPACITY);
    if (log->bytes == NULL || count > CAPACITY) return log->real->pMethods->xWrite(log->real, bytes, count, offset);
    if (log->count == 0) log->start = offset;
    memcpy(log->bytes + log->count, bytes, (size_t)count);
    log->count += count;
    return SQLITE_OK;
}

static int log_write(sqlite3_file *file, const void *bytes, int count, sqlite3_int64 offset) {
    gather_file *log = of(file);
    int is_header = ends_transaction(bytes, count, offset);
    int is_last = is_header || log->commits;
    log->commits = is_header;
    int code = gather_write(log, bytes, count, offset);
    return code == SQLITE_OK && is_last ? flush(log) : code;
}

static int log_read(sqlite3_file *file, void *bytes, int count, sqlite3_int64 offset) {
    gather_file *log = of(file);
    int is_before = offset + count <= log->start;
    int code = is_before ? SQLITE_OK : flush(log);
    return code != SQLITE_OK ? code : log->real->pMethods->xRead(log->real, bytes, count, offset);
}

static int log_sync(sqlite3_file *file, int flags) {
    int code = flush(of(file));
    return code != SQLITE_OK ? code : of(file)->real->pMethods->xSync(of(file)->real, flags);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int code = flush(of(file));
    return code != SQLITE_OK ? code : of(file)->real->pMethods->xTruncate(of(file)->real, size);
}

static int log_file_size(sqlite3_file *file, sqlite3_int64 *size) {
    int code = flush(of(file));
    return code != SQLITE_OK ? code : of(file)->real->pMethods->xFileSize(of(file)->real, size);
}

static int log_file_control(sqlite3_file *file, int operation, void *argument) {
    int code = flush(of(file));
    return code != SQLITE_OK ? code : of(file)->real->pMethods->xFileControl(of(file)->real, operation, argument);
}

static int log_close(sqlite3_file *file) {
    gather_file *log = of(file);
    (void)flush(log);  // What was committed has been synced.
    free(log->bytes);
    log->bytes = NULL;
    return log->real->pMethods->xClose(log->real);
}

static int log_lock(sqlite3_file *file, int level) { return of(file)->real->pMethods->xLock(of(file)->real, level); }
static int log_unlock(sqlite3_file *file, int level) { return of(file)->real->pMethods->xUnlock(of(file)->real, level); }
static int log_check_reserved(sqlite3_file *file, int *result) {
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, result);
}
static int log_sector_size(sqlite3_file *file) { return of(file)->real->pMethods->xSectorSize(of(file)->real); }
static int log_characteristics(sqlite3_file *file) {
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_file_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_reserved,
    .xFileControl = log_file_control,
    .xSectorSize = log_sector_size,
    .xDeviceCharacteristics = log_characteristics,
};

/// Files other than write-ahead logs are the system's alone.
static int gather_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out) {
    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL)) return real_vfs->xOpen(real_vfs, name, file, flags, flags_out);
    gather_file *log = of(file);
    memset(log, 0, sizeof *log);
    log->real = (sqlite3_file *)(log + 1);
    int code = real_vfs->xOpen(real_vfs, name, log->real, flags, flags_out);
    if (code == SQLITE_OK) log->head.pMethods = &log_methods;
    return code;
}

static void register_once(void) {
    registered = sqlite3_initialize();
    if (registered != SQLITE_OK) return;
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL) {
        registered = SQLITE_ERROR;
        return;
    }
    gather = *real_vfs;
    gather.pNext = NULL;
    gather.zName = "twindrop-gather";
    gather.szOsFile = (int)sizeof(gather_file) + real_vfs->szOsFile;
    gather.xOpen = gather_open;
    registered = sqlite3_vfs_register(&gather, 1);
}

int td_gather_vfs_register(void) {
    pthread_once(&once, register_once);
    return registered;
}
