// A plugin that takes SECONDS for a file and says nothing: the tests put it in place of asset-inventory.
#define _GNU_SOURCE
#include "twindrop_plugin.h"

#include <time.h>

static td_status create(const td_host *host, td_instance **instance) {
    *instance = (td_instance *)(void *)host;
    return TD_OK;
}

static int32_t probe(td_instance *instance, td_text name, const void *head, size_t length) {
    (void)instance, (void)name, (void)head, (void)length;
    return 0;
}

static td_status transform(td_instance *instance) {
    (void)instance;
    struct timespec pause = {SECONDS, 0};
    nanosleep(&pause, NULL);
    return TD_OK;
}

static void destroy(td_instance *instance) { (void)instance; }

static const td_plugin plugin = {
    .struct_size = sizeof(td_plugin), .abi_major = TD_ABI_MAJOR, .abi_minor = TD_ABI_MINOR, .id = "asset-inventory",
    .version = "1.0.0", .create = create, .probe = probe, .transform = transform, .destroy = destroy,
};

const td_plugin *twindrop_plugin_v1(uint16_t major, uint16_t minor) {
    (void)minor;
    return major == TD_ABI_MAJOR ? &plugin : NULL;
}
