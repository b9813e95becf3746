#define NAME "socket"
#include "hostile.h"
#include <sys/socket.h>
static td_status body(void) {
    int one = socket(AF_INET, SOCK_STREAM, 0);
    return denied(one, errno);
}
