#define NAME "threads"
#include "hostile.h"
#include <pthread.h>
static void *idle(void *nothing) {
    for (;;) pause();
    return nothing;
}
static td_status body(void) {
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 64 << 10);
    for (;;) {
        pthread_t thread;
        if (pthread_create(&thread, &small, idle, NULL)) usleep(1000);
    }
    return TD_OK;
}
