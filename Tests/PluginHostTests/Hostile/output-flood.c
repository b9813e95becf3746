#define NAME "output-flood"
#include "hostile.h"
static td_status body(void) {
    td_key key = host->key(host, text("text"));
    char words[1000];
    memset(words, 'x', sizeof words);
    for (;;) {
        host->record(host, 0, 0);
        host->begin_twin(host, TD_UPSERT, text("twin"), 0);
        host->set_text(host, key, (td_text){words, sizeof words});
        td_status status = host->end(host);
        if (status) return status;
    }
}
