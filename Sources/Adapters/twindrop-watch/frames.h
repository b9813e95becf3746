/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What twindrop-watch reads and prints.
 *
 * Arguments:  twindrop-watch PARENT-PID
 * Standard input:  the folders, each as one flag byte ('r': with its subfolders, '-': alone), its absolute path and a NUL;
 *     then one more NUL. A path is any bytes. Afterwards nothing more is sent; the end of the input means that the
 *     parent is gone, and ends the program.
 * Standard output:  frames. Each is a 32-bit little-endian length of what follows, one type byte, and the payload.
 *     Paths end in '/'. Numbers are 32-bit little-endian.
 */
#ifndef TWINDROP_WATCH_FRAMES_H
#define TWINDROP_WATCH_FRAMES_H

#include <stddef.h>
#include <stdint.h>

enum frame_type {
    /* All watches are placed: what changes from now on is reported. Payload: number of folders watched. */
    FRAME_READY = 1,
    /* Something happened to a name in a folder. Payload: inotify mask, length of the folder, folder, name. */
    FRAME_EVENT = 2,
    /* Events were lost; look at everything. No payload. */
    FRAME_OVERFLOW = 3,
    /* A folder has no watch. Payload: errno (ENOSPC: the limit of watches is reached), folder. */
    FRAME_UNWATCHED = 4,
    /* A folder is watched from now on: look at it, files may be in it already. Payload: folder. */
    FRAME_WATCHED = 5,
    /* A folder was removed, moved or unmounted. The named ones are tried again every second. Payload: folder. */
    FRAME_LOST = 6,
    /* A subfolder moved, so that names of watches are not to be relied on: the program ends; start it again. No payload. */
    FRAME_RENEW = 7,
    /* Watching is not possible at all. Payload: errno. The program ends. */
    FRAME_FAILED = 8,
};

/* Starts a frame in the buffer, flushing first when it would not fit. `length` counts the payload. */
void frame_begin(enum frame_type type, size_t length);
/* Adds payload to the frame begun. */
void frame_bytes(const void *bytes, size_t length);
void frame_number(uint32_t number);
/* Writes what is buffered. When nobody reads any more the program ends: its work has no use then. */
void frame_flush(void);

#endif
