#define NAME "file-write"
#include "hostile.h"
#include <fcntl.h>
static td_status body(void) {
    td_text path = host->settings(host);  // a path in quotes
    char name[1024];
    snprintf(name, sizeof name, "%.*s", (int)path.length - 2, path.bytes + 1);
    int secret = open("/etc/passwd", O_RDONLY);
    if (secret >= 0) return denied(secret, 0);
    int file = open(name, O_WRONLY | O_CREAT, 0600);
    return denied(file, errno);
}
