#define NAME "fork"
#include "hostile.h"
static td_status body(void) {
    pid_t child = fork();
    if (child == 0) pause();
    return denied(child, errno);
}
