#define NAME "exec"
#include "hostile.h"
static td_status body(void) {
    int result = execl("/bin/true", "true", (char *)NULL);
    return denied(result, errno);
}
