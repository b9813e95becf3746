// Logs without end by log() and by standard output, with escapes in it, then ends well.
#define NAME "chatter"
#include "hostile.h"
static td_status body(void) {
    for (int i = 0; i < 5000; i++) {
        printf("line %d \033[31mred\n", i);
        host->log(host, TD_INFO, text("logged \033[2J and so on and so on\nforged: line"));
    }
    return TD_OK;
}
