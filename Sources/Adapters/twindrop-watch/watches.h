/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TWINDROP_WATCH_WATCHES_H
#define TWINDROP_WATCH_WATCHES_H

#include <stdbool.h>

/* One folder the parent named. */
struct root {
    char *path; /* absolute, ends in '/' */
    bool recursive;
    bool watched;
};

/* Places all watches, then reports events until the process is ended. Returns an exit code when it cannot go on. */
int watch_folders(struct root *roots, unsigned count);

#endif
