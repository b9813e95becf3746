// Gives one million operations of twelve properties for each character of its input: for measuring.
#define NAME "synthetic"
#include "hostile.h"

static td_status rows(uint64_t round, const td_key *key) {
    char id[32] = "vehicle-0000000", city[] = "Rotterdam", code[] = "AB-123-C";
    for (uint64_t i = 0; i < 1000000; i++) {
        uint64_t number = i + round * 1000000;
        for (int digit = 14; digit > 7; digit--, number /= 10) id[digit] = (char)('0' + number % 10);
        host->record(host, i * 89, 89);
        host->begin_twin(host, TD_UPSERT, (td_text){id, 15}, key[12]);
        host->set_text(host, key[0], (td_text){city, 9});
        host->set_text(host, key[1], (td_text){code, 8});
        host->set_int(host, key[2], (int64_t)i % 100);
        host->set_int(host, key[3], (int64_t)i * 17);
        host->set_double(host, key[4], (double)i * 0.25);
        host->set_double(host, key[5], 4.89);
        host->set_double(host, key[6], 52.37);
        host->set_bool(host, key[7], i & 1);
        host->set_datetime(host, key[8], INT64_C(1795000000000000) + (int64_t)i * 1000000, 0);
        host->set_date(host, key[9], 20000);
        host->set_text(host, key[10], (td_text){"in service", 10});
        host->set_int(host, key[11], 3);
        td_status status = host->end(host);
        if (status) return status;
    }
    return TD_OK;
}

static td_status body(void) {
    td_key key[13];
    for (int i = 0; i < 13; i++) {
        char name[16];
        snprintf(name, sizeof name, "property%d", i);
        key[i] = host->key(host, text(name));
    }
    for (uint64_t round = 0; round < host->input_size(host); round++) {
        td_status status = rows(round, key);
        if (status) return status;
    }
    return TD_OK;
}
