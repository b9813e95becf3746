// Returns what its settings say: {"status": 1, "message": "why"}.
#define NAME "say"
#include "hostile.h"
static td_status body(void) {
    td_text settings = host->settings(host);
    char words[512];
    snprintf(words, sizeof words, "%.*s", (int)settings.length, settings.bytes);
    char *status = strstr(words, "\"status\":");
    host->fail(host, text("Column 3 is missing."), 17);
    return status ? atoi(status + 9) : TD_OK;
}
