// SPDX-License-Identifier: Apache-2.0
// Loads the library the host opened, hashed and sealed, and makes sure that its descriptor is usable.
#define _GNU_SOURCE
#include "worker.h"

#include <dlfcn.h>
#include <stdio.h>
#include <unistd.h>

static const td_plugin *refuse(int32_t status) {
    message_send(status);
    _exit(0);
}

static int is_word(const char *text, size_t max) {
    size_t length = text ? strnlen(text, max + 1) : 0;
    return length > 0 && length <= max && text_is_utf8((const uint8_t *)text, length);
}

const td_plugin *plugin_load(void) {
    char path[40];
    snprintf(path, sizeof path, "/proc/self/fd/%d", TD_WIRE_LIBRARY_FD);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library) {
        const char *reason = dlerror();
        message_set(-1, "The library could not be loaded: %s.", reason ? reason : "no reason given");
        return refuse(TD_WIRE_STATUS_LOAD);
    }
    close(TD_WIRE_LIBRARY_FD);  // Mapped: nothing can be lost by its failure.
    td_plugin_entry entry;
    *(void **)&entry = dlsym(library, "twindrop_plugin_v1");
    if (!entry) {
        message_set(-1, "The library does not export twindrop_plugin_v1.");
        return refuse(TD_WIRE_STATUS_LOAD);
    }
    const td_plugin *plugin = entry(TD_ABI_MAJOR, TD_ABI_MINOR);
    if (!plugin) {
        message_set(-1, "The plugin needs a newer TwinDrop than ABI %d.%d.", TD_ABI_MAJOR, TD_ABI_MINOR);
        return refuse(TD_WIRE_STATUS_ABI);
    }
    if (plugin->struct_size < offsetof(td_plugin, extension) || plugin->abi_major != TD_ABI_MAJOR) {
        message_set(-1, "The plugin's descriptor has %u bytes and ABI %u.%u; this TwinDrop knows ABI %d.%d.", plugin->struct_size,
                    plugin->abi_major, plugin->abi_minor, TD_ABI_MAJOR, TD_ABI_MINOR);
        return refuse(TD_WIRE_STATUS_ABI);
    }
    if (!is_word(plugin->id, 64) || !is_word(plugin->version, 64)) {
        message_set(-1, "The plugin's descriptor has no usable id or version (1 to 64 bytes of UTF-8).");
        return refuse(TD_WIRE_STATUS_ABI);
    }
    if (!plugin->create || !plugin->transform || !plugin->probe || !plugin->destroy) {
        message_set(-1, "The plugin's descriptor lacks create, probe, transform or destroy.");
        return refuse(TD_WIRE_STATUS_ABI);
    }
    return plugin;
}
