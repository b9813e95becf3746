#define NAME "memory"
#include "hostile.h"
static td_status body(void) {
    for (;;) {
        char *block = malloc(1 << 20);
        if (!block) abort();
        memset(block, 1, 1 << 20);
    }
}
