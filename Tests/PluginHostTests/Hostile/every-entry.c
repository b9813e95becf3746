// Writes every entry, verb and type once.
#define NAME "every-entry"
#include "hostile.h"
static td_status body(void) {
    td_key k[12];
    for (int i = 0; i < 12; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", i);
        k[i] = host->key(host, text(name));
    }
    host->scope(host, text("part"));
    host->span(host, TD_HEADER, 0, 10, text("header"));
    host->record(host, 10, 5);
    host->begin_twin(host, TD_UPSERT, text("twin"), k[11]);
    host->set_absent(host, k[0]);
    host->set_bool(host, k[1], 0);
    host->set_bool(host, k[2], 1);
    host->set_int(host, k[3], -300);
    host->set_double(host, k[4], -0.0);
    host->set_text(host, k[5], text("grün"));
    host->set_datetime(host, k[6], -1, -60);
    host->set_date(host, k[7], -1);
    host->set_time(host, k[8], INT64_C(86399999999));
    host->set_duration(host, k[9], 1, 2);
    host->set_json(host, k[10], text("{\"a\":[1]}"));
    host->end(host);
    host->begin_twin(host, TD_PATCH, text("twin"), 0), host->end(host);
    host->begin_twin(host, TD_REPLACE, text("twin"), 0), host->end(host);
    host->begin_twin(host, TD_DELETE, text("twin"), 0), host->end(host);
    host->record(host, 20, 5);  // a gap of five bytes before it
    host->begin_relationship(host, TD_UPSERT, text("a"), k[0], text("b"), text(""));
    host->set_int(host, k[3], 1);
    host->end(host);
    host->begin_relationship(host, TD_REPLACE, text("a"), k[0], text("b"), text("r")), host->end(host);
    host->begin_relationship(host, TD_DELETE, text("a"), 0, text(""), text("r")), host->end(host);
    host->record(host, 25, 5);
    host->begin_twin(host, TD_UPSERT, text("gone"), 0), host->end(host);
    host->span(host, TD_REMAINDER, 30, 1, text("blank"));
    host->begin_twin(host, TD_UPSERT, text("gone too"), 0);
    host->reject(host, text("bad-row"), text("Column 2 is empty."));
    host->set_int(host, k[3], 1);
    host->end(host);
    host->begin_twin(host, TD_UPSERT, text("after"), 0), host->end(host);
    host->record(host, 31, 5);
    host->span(host, TD_FOOTER, 36, 4, text("total"));
    return TD_OK;
}
