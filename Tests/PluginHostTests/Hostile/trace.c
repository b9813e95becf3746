#define NAME "trace"
#include "hostile.h"
#include <sys/ptrace.h>
static td_status body(void) {
    long result = ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    return denied(result, errno);
}
