/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * twindrop-watch: prints what happens in folders. See frames.h for what it reads and prints, README.md for its licence.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

#include "watches.h"

/*
 * SwiftPM links every executable of a package with two objects of the Swift runtime, which call these two functions. Defined
 * here, and hidden, they keep the runtime itself out of this process.
 */
__attribute__((visibility("hidden"))) void swift_addNewDSOImage(const void *sections) { (void)sections; }
__attribute__((visibility("hidden"))) int _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return 0;
}

enum { EXIT_USAGE = 64, INPUT_BYTES_MAX = 16 << 20, ROOTS_MAX = 65536 };

/* One byte of standard input, or -1 at its end. */
static int next_byte(void) {
    static unsigned char buffer[4096];
    static ssize_t length, at;
    if (at == length) {
        do length = read(STDIN_FILENO, buffer, sizeof buffer);
        while (length < 0 && errno == EINTR);
        at = 0;
        if (length <= 0) return -1;
    }
    return buffer[at++];
}

/* Reads one NUL-terminated entry, with room for one byte more; null at the end of input or past the limit. */
static char *next_entry(size_t *length, size_t *total) {
    size_t room = 256, used = 0;
    char *text = malloc(room);
    for (;;) {
        const int byte = next_byte();
        if (text == NULL || byte < 0 || ++*total > INPUT_BYTES_MAX) {
            free(text);
            return NULL;
        }
        if (used + 2 >= room) {
            char *larger = realloc(text, room * 2);
            if (larger == NULL) free(text);
            text = larger;
            if (text == NULL) return NULL;
            room *= 2;
        }
        text[used] = (char)byte;
        if (byte == 0) break;
        used++;
    }
    *length = used;
    return text;
}

/* Reads the list of folders. Returns their number, or -1 when the list is malformed or ends early. */
static int read_roots(struct root **out) {
    struct root *roots = NULL;
    unsigned count = 0, room = 0;
    size_t total = 0, length;
    for (;;) {
        char *entry = next_entry(&length, &total);
        if (entry == NULL) return -1;
        if (length == 0) {
            free(entry);
            *out = roots;
            return (int)count;
        }
        if (length < 2 || (entry[0] != 'r' && entry[0] != '-') || entry[1] != '/' || count == ROOTS_MAX) return -1;
        if (count == room) {
            room = room ? room * 2 : 16;
            struct root *larger = realloc(roots, room * sizeof *roots);
            if (larger == NULL) return -1;
            roots = larger;
        }
        roots[count].recursive = entry[0] == 'r';
        roots[count].watched = false;
        if (entry[length - 1] != '/') {
            entry[length] = '/';
            entry[length + 1] = '\0';
        }
        memmove(entry, entry + 1, strlen(entry));
        roots[count++].path = entry;
    }
}

/* libinotifytools cannot be woken, so the end of the input is awaited on a thread that ends the process by itself. */
static void *await_end_of_input(void *unused) {
    (void)unused;
    while (next_byte() >= 0) {}
    _exit(0);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "twindrop-watch is started by twindrop; it has no use on its own.\n");
        return EXIT_USAGE;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return 71;
    if ((long)getppid() != strtol(argv[1], NULL, 10)) return 0; /* The parent died before the line above. */
    if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return 71;
    struct root *roots = NULL;
    const int count = read_roots(&roots);
    if (count < 0) return EXIT_USAGE;
    pthread_t thread;
    if (pthread_create(&thread, NULL, await_end_of_input, NULL) != 0) return 71;
    return watch_folders(roots, (unsigned)count);
}
