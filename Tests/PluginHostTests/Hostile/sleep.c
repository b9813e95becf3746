#define NAME "sleep"
#include "hostile.h"
static td_status body(void) {
    for (;;) sleep(1000);
    return TD_OK;
}
