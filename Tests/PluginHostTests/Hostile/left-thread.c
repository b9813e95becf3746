// Leaves a thread behind when its drop ends.
#define NAME "left-thread"
#include "hostile.h"
#include <pthread.h>
static void *idle(void *nothing) {
    for (;;) pause();
    return nothing;
}
static td_status body(void) {
    pthread_t thread;
    return pthread_create(&thread, NULL, idle, NULL) ? TD_INTERNAL : TD_OK;
}
