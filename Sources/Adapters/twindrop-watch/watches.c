/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The only code of TwinDrop that calls libinotifytools. All of it runs on the first thread: the library keeps process-wide state.
 *
 * The library's table by name is not used, its table by number is: after a folder was removed the library keeps the old entry,
 * and a lookup by name would find the old number.
 */
#define _GNU_SOURCE
#include "watches.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inotifytools/inotifytools.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "frames.h"

enum {
    EVENTS = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_EXCL_UNLINK,
    /* Entries of removed folders that the library cannot forget. At this many the program is started afresh. */
    DEAD_MAX = 10000,
    /* Deeper folders are reported as not watched; the parent polls them. */
    DEPTH_MAX = 64,
    EXIT_RENEW = 0,
    EXIT_FAILED = 74,
};

static struct root *roots;
static unsigned root_count;
static unsigned watch_count;
static unsigned dead_count;

static void report_path(enum frame_type type, const char *path) {
    const size_t length = strlen(path);
    frame_begin(type, length);
    frame_bytes(path, length);
}

static void report_unwatched(const char *path, int code) {
    const size_t length = strlen(path);
    frame_begin(FRAME_UNWATCHED, length + 4);
    frame_number((uint32_t)code);
    frame_bytes(path, length);
}

/* The named folder that `path` is in (the innermost), or null. */
static struct root *root_of(const char *path) {
    struct root *found = NULL;
    size_t longest = 0;
    for (unsigned index = 0; index < root_count; index++) {
        const size_t length = strlen(roots[index].path);
        if (length > longest && strncmp(path, roots[index].path, length) == 0) {
            found = &roots[index];
            longest = length;
        }
    }
    return found;
}

static bool place_watch(const char *path) {
    if (inotifytools_watch_file(path, EVENTS)) {
        watch_count++;
        return true;
    }
    const int code = inotifytools_error();
    if (code == ENOENT || code == ENOTDIR) return false; /* It vanished, or is not there yet. */
    report_unwatched(path, code);
    return false;
}

static bool is_folder(int folder, const struct dirent *entry) {
    struct stat facts;
    if (entry->d_type != DT_UNKNOWN) return entry->d_type == DT_DIR;
    return fstatat(folder, entry->d_name, &facts, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(facts.st_mode);
}

/* Watches `path` and then, when asked, what is in it: in this order no new subfolder is missed. */
static bool watch_tree(const char *path, bool recursive, bool report, unsigned depth) {
    if (depth > DEPTH_MAX) {
        report_unwatched(path, ELOOP);
        return false;
    }
    if (!place_watch(path)) return false;
    if (report) report_path(FRAME_WATCHED, path);
    if (!recursive) return true;
    DIR *folder = opendir(path);
    if (folder == NULL) return true; /* Unreadable for us as for the parent, which reports it. */
    for (;;) {
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 || !is_folder(dirfd(folder), entry)) continue;
        char *child;
        if (asprintf(&child, "%s%s/", path, entry->d_name) < 0) abort();
        watch_tree(child, true, report, depth + 1);
        free(child);
    }
    closedir(folder);
    return true;
}

static void retry_lost_roots(void) {
    for (unsigned index = 0; index < root_count; index++) {
        if (!roots[index].watched) roots[index].watched = watch_tree(roots[index].path, roots[index].recursive, true, 0);
    }
}

static bool some_root_is_lost(void) {
    for (unsigned index = 0; index < root_count; index++) {
        if (!roots[index].watched) return true;
    }
    return false;
}

/* The folder of watch `number` is no longer where it was. Returns true when the program has to start afresh. */
static bool lose(int number, const char *path, bool moved) {
    struct root *root = root_of(path);
    const bool named = root != NULL && strcmp(root->path, path) == 0;
    report_path(FRAME_LOST, path);
    if (moved) inotifytools_remove_watch_by_wd(number);
    else dead_count++;
    if (named) root->watched = false;
    const bool has_children = root != NULL && root->recursive;
    return (moved && has_children) || dead_count > DEAD_MAX;
}

/* Reports one event, copied out of the library's static storage at once. Returns true when the program has to start afresh. */
static bool handle(const struct inotify_event *event) {
    if (event->mask & IN_Q_OVERFLOW) {
        frame_begin(FRAME_OVERFLOW, 0);
        return false;
    }
    const char *known = inotifytools_filename_from_wd(event->wd);
    if (known == NULL || known[0] == '\0') return false; /* An event of a watch that was taken back. */
    char *path = strdup(known);
    if (path == NULL) abort();
    bool renew = false;
    if (event->mask & (IN_IGNORED | IN_UNMOUNT)) {
        renew = (event->mask & IN_IGNORED) ? lose(event->wd, path, false) : false;
    } else if (event->mask & IN_MOVE_SELF) {
        renew = lose(event->wd, path, true);
    } else if (event->len > 0 && event->name[0] != '\0') {
        const size_t folder = strlen(path), name = strlen(event->name);
        frame_begin(FRAME_EVENT, 8 + folder + name);
        frame_number(event->mask);
        frame_number((uint32_t)folder);
        frame_bytes(path, folder);
        frame_bytes(event->name, name);
        const struct root *root = root_of(path);
        if ((event->mask & IN_ISDIR) && (event->mask & (IN_CREATE | IN_MOVED_TO)) && root != NULL && root->recursive) {
            char *child;
            if (asprintf(&child, "%s%s/", path, event->name) < 0) abort();
            watch_tree(child, true, true, 0);
            free(child);
        }
    }
    free(path);
    return renew;
}

/* The library's inotify descriptor, which it does not tell; -1 when it is not found. */
static int inotify_descriptor(void) {
    for (int descriptor = 3; descriptor < 64; descriptor++) {
        char link[32], target[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
        const ssize_t length = readlink(link, target, sizeof target - 1);
        if (length < 0) continue;
        target[length] = '\0';
        if (strstr(target, "inotify") != NULL) return descriptor;
    }
    return -1;
}

/*
 * The next event. What was reported so far is written out first, unless the kernel has more: one write for a burst. The
 * library cannot be asked without waiting (to it, no time and all time are the same), so its descriptor is.
 */
static struct inotify_event *next_event(int descriptor) {
    struct pollfd readable = {.fd = descriptor, .events = POLLIN};
    if (descriptor < 0 || poll(&readable, 1, 0) <= 0) frame_flush();
    return inotifytools_next_event(some_root_is_lost() ? 1 : -1);
}

static int fail(int code) {
    frame_begin(FRAME_FAILED, 4);
    frame_number((uint32_t)code);
    frame_flush();
    return EXIT_FAILED;
}

int watch_folders(struct root *named, unsigned count) {
    roots = named;
    root_count = count;
    if (!inotifytools_initialize()) return fail(inotifytools_error());
    for (unsigned index = 0; index < count; index++) {
        roots[index].watched = watch_tree(roots[index].path, roots[index].recursive, false, 0);
        if (!roots[index].watched) report_path(FRAME_LOST, roots[index].path);
    }
    frame_begin(FRAME_READY, 4);
    frame_number(watch_count);
    const int descriptor = inotify_descriptor();
    time_t retried = 0;
    for (;;) {
        const struct inotify_event *event = next_event(descriptor);
        const int code = event == NULL ? inotifytools_error() : 0;
        if (code != 0 && code != EINTR) return fail(code);
        if (event != NULL && handle(event)) {
            frame_begin(FRAME_RENEW, 0);
            frame_flush();
            return EXIT_RENEW;
        }
        const time_t now = time(NULL);
        if (now != retried) retry_lost_roots();
        retried = now;
    }
}
