#define NAME "crash-at-load"
#include "hostile.h"
__attribute__((constructor)) static void early(void) { *(volatile int *)8 = 1; }
static td_status body(void) { return TD_OK; }
