// Breaks one rule of the interface; the settings say which.
#define NAME "rules"
#include "hostile.h"
#include <math.h>
static td_status body(void) {
    td_text settings = host->settings(host);
    char rule[64];
    snprintf(rule, sizeof rule, "%.*s", (int)settings.length - 2, settings.bytes + 1);
    td_key key = host->key(host, text("a"));
    static char large[TD_TEXT_MAX + 1];
    memset(large, 'x', sizeof large);
    if (strcmp(rule, "no-record")) host->record(host, 0, 10);
    if (!strcmp(rule, "set-outside")) host->set_int(host, key, 1);
    if (!strcmp(rule, "no-target")) {
        host->begin_relationship(host, TD_UPSERT, text("t"), key, text(""), text(""));
        return host->end(host);
    }
    td_text id = strcmp(rule, "long-id") ? text("t") : (td_text){large, sizeof large};
    host->begin_twin(host, strcmp(rule, "delete-with-property") ? TD_UPSERT : TD_DELETE, id, 0);
    if (!strcmp(rule, "begin-twice")) host->begin_twin(host, TD_UPSERT, text("t"), 0);
    if (!strcmp(rule, "infinite")) host->set_double(host, key, INFINITY);
    if (!strcmp(rule, "unknown-key")) host->set_int(host, 99, 1);
    if (!strcmp(rule, "delete-with-property")) host->set_int(host, key, 1);
    if (!strcmp(rule, "long-text")) host->set_text(host, key, (td_text){large, sizeof large});
    if (!strcmp(rule, "long-record"))
        for (int i = 0; i < 3; i++) host->set_text(host, key, (td_text){large, TD_TEXT_MAX});
    if (!strcmp(rule, "bad-duration")) host->set_duration(host, key, 1, -1);
    if (!strcmp(rule, "bad-time")) host->set_time(host, key, INT64_C(86400000000));
    if (!strcmp(rule, "bad-offset")) host->set_datetime(host, key, 0, 1440);
    if (!strcmp(rule, "bad-json")) host->set_json(host, key, text("{\"a\":1,\"a\":2}"));
    if (!strcmp(rule, "bad-text")) host->set_text(host, key, text("\xC0\x80"));
    if (!strcmp(rule, "no-end")) return TD_OK;
    host->end(host);
    return TD_OK;  // Ignores the status: the worker remembers it.
}
