// Stays alive by the rules: only processor time ends it.
#define NAME "endless-loop"
#include "hostile.h"
static td_status body(void) {
    for (uint64_t i = 0;; i++)
        if ((i & 0xFFFFF) == 0) host->progress(host, i);
    return TD_OK;
}
