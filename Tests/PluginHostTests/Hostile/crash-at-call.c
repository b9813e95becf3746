#define NAME "crash-at-call"
#include "hostile.h"
static td_status body(void) { abort(); }
