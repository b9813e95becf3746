#define NAME "torn-frame"
#include "hostile.h"
static td_status body(void) {
    static const unsigned char garbage[] = {0xFF, 0xFF, 0xFF, 0xFF, 2, 1, 2, 3};
    return denied(write(4, garbage, sizeof garbage) - 100, 0);
}
