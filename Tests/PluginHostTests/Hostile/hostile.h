// The frame of a plugin that does one thing wrong: define NAME and body(), then everything else is here.
#include "twindrop_plugin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const td_host *host;

static td_status body(void);

static td_text text(const char *words) { return (td_text){words, strlen(words)}; }

// Ends transform() well when `error` says that the sandbox refused the deed.
static inline td_status denied(long result, int error) {
    char words[200];
    if (result >= 0) {
        snprintf(words, sizeof words, "the deed was done");
        host->fail(host, text(words), -1);
        return TD_INTERNAL;
    }
    snprintf(words, sizeof words, "denied with error %d", error);
    host->log(host, TD_WARNING, text(words));
    return TD_OK;
}

static td_status create(const td_host *given, td_instance **instance) {
    host = given;
    *instance = (td_instance *)&host;
    return TD_OK;
}

static int32_t probe(td_instance *instance, td_text name, const void *head, size_t length) {
    (void)instance, (void)name, (void)head;
    return length > 0 ? 50 : 0;
}

static td_status transform(td_instance *instance) {
    (void)instance;
    return body();
}

static void destroy(td_instance *instance) { (void)instance; }

static const td_plugin plugin = {
    .struct_size = sizeof(td_plugin), .abi_major = TD_ABI_MAJOR, .abi_minor = TD_ABI_MINOR, .id = NAME, .version = "1.0.0",
    .create = create, .probe = probe, .transform = transform, .destroy = destroy,
};

const td_plugin *twindrop_plugin_v1(uint16_t major, uint16_t minor) {
    (void)minor;
    return major == TD_ABI_MAJOR ? &plugin : NULL;
}
