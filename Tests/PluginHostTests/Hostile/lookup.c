// One twin for each line; its name is what table "names" has for the line.
#define NAME "lookup"
#include "hostile.h"
static td_status body(void) {
    char line[256];
    int64_t count = host->read(host, line, sizeof line);
    if (count < 0) return TD_INPUT;
    td_key key = host->key(host, text("name"));
    td_text value = {0};
    int32_t found = host->lookup(host, text("names"), (td_text){line, (size_t)count}, &value);
    host->record(host, 0, (uint64_t)count);
    host->begin_twin(host, TD_UPSERT, (td_text){line, (size_t)count}, 0);
    if (found) host->set_text(host, key, value);
    return host->end(host);
}
