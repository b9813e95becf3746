// Well behaved: each line is a record, and its words a twin id and a temperature. "!" refuses the line.
#define NAME "honest"
#include "hostile.h"

static td_status body(void) {
    static char buffer[1 << 20];
    size_t length = 0;
    for (;;) {
        int64_t count = host->read(host, buffer + length, sizeof buffer - length);
        if (count < 0) return TD_INPUT;
        if (count == 0) break;
        length += (size_t)count;
    }
    td_key temperature = host->key(host, text("temperature"));
    for (size_t at = 0; at < length;) {
        char *end = memchr(buffer + at, '\n', length - at);
        size_t line = end ? (size_t)(end - buffer) + 1 - at : length - at;
        host->record(host, at, line);
        char *blank = memchr(buffer + at, ' ', line);
        host->begin_twin(host, TD_UPSERT, (td_text){buffer + at, blank ? (size_t)(blank - buffer - at) : line - 1}, 0);
        if (blank) host->set_int(host, temperature, strtol(blank, NULL, 10));
        td_status status = host->end(host);
        if (status != TD_OK) return status;
        if (buffer[at] == '!') host->reject(host, text("refused"), text("It starts with a bang."));
        if (buffer[at] == '+') {  // interns a name of its own
            char name[32];
            snprintf(name, sizeof name, "key%.*s", 8, buffer + at + 1);
            name[strcspn(name, "\n ")] = 0;
            host->key(host, text(name));
        }
        at += line;
    }
    char words[64];
    snprintf(words, sizeof words, "pid %d", (int)getpid());
    host->log(host, TD_INFO, text(words));
    return TD_OK;
}
