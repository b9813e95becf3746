// SPDX-License-Identifier: Apache-2.0
// twindrop-worker: one sandboxed process that runs one plugin for one source. Started by twindrop only:
//     twindrop-worker PARENT ADDRESS_SPACE DESCRIPTORS SANDBOX_LAYERS
// with the descriptors that twindrop_wire.h lists. Life: sandbox, OPEN, load, create, HELLO, then one message at a time.
#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

// A plugin in Swift brings its own runtime. This program is linked with -static-stdlib, as everything in the package is, and
// the driver's start-up object would pull a second runtime in for these two symbols. Hidden stubs keep the process free
// of any Swift but the plugin's.
__attribute__((visibility("hidden"))) void swift_addNewDSOImage(const void *sections) { (void)sections; }
__attribute__((visibility("hidden"))) int _swift_backtrace_isThunkFunction(const char *name) {
    (void)name;
    return 0;
}

typedef struct {
    td_wire_control head;
    int descriptor;
    uint8_t name[TD_WIRE_NAME_MAX];
} message;

static _Noreturn void stop(const char *why) {
    message_set(-1, "The worker could not be prepared: %s (%s).", why, errno ? strerrorname_np(errno) : "no error");
    message_send(TD_WIRE_STATUS_SETUP);
    _exit(71);
}

// The next control message; ends the process when the host has closed the socket.
static void receive(message *into) {
    struct iovec parts[2] = {{&into->head, sizeof into->head}, {into->name, sizeof into->name}};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } ancillary;
    struct msghdr envelope = {.msg_iov = parts, .msg_iovlen = 2, .msg_control = ancillary.bytes,
                              .msg_controllen = sizeof ancillary.bytes};
    ssize_t length = RETRY(recvmsg(TD_WIRE_CONTROL_FD, &envelope, MSG_CMSG_CLOEXEC));
    if (length == 0) _exit(0);
    if (length < 0) stop("the control socket failed");
    into->descriptor = -1;
    struct cmsghdr *rights = CMSG_FIRSTHDR(&envelope);
    if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS)
        memcpy(&into->descriptor, CMSG_DATA(rights), sizeof(int));
    errno = 0;
    if ((size_t)length < sizeof into->head || (size_t)length != sizeof into->head + into->head.name_length ||
        into->descriptor < 0)
        stop("a control message is torn");
}

static const void *no_extension(const td_host *host, const char *name) {
    (void)host;
    (void)name;
    return NULL;
}

static td_host host = {.struct_size = sizeof(td_host), .abi_major = TD_ABI_MAJOR, .abi_minor = TD_ABI_MINOR};

static void install(void) {
    host.extension = no_extension;
    host.settings = config_settings;
    host.key = keys_number;
    host.lookup = config_lookup;
    host.read = input_read;
    host.input_name = input_name;
    host.input_size = input_size;
    host.cancelled = input_cancelled;
    host.progress = input_progress;
    message_install(&host);
    output_install(&host);
    values_install(&host);
}

static void say_hello(const td_plugin *plugin, uint32_t sandbox) {
    struct {
        td_wire_hello head;
        char words[2 * 64];
    } frame = {0};
    size_t id = strlen(plugin->id), version = strlen(plugin->version);
    frame.head = (td_wire_hello){.wire_version = TD_WIRE_VERSION, .abi_major = plugin->abi_major, .abi_minor = plugin->abi_minor,
                                 .sandbox = sandbox, .id_length = (uint16_t)id, .version_length = (uint16_t)version};
    memcpy(frame.words, plugin->id, id);
    memcpy(frame.words + id, plugin->version, version);
    frame_send(TD_WIRE_HELLO, &frame.head, sizeof frame.head, frame.words, id + version);
}

// Sends the plugin's failure and ends: a worker is never used again after one.
static _Noreturn void fail(td_status status, const char *what) {
    if (status < TD_OK || status > TD_INTERNAL) status = TD_INTERNAL;
    if (!message_is_set()) message_set(-1, "The plugin's %s failed with status %d and gave no reason.", what, status);
    fflush(stdout);
    message_send(status);
    _exit(0);
}

static void transform(const td_plugin *plugin, td_instance *instance, const message *order) {
    message_clear();
    input_begin(order->descriptor, order->head.size, order->name, order->head.name_length);
    output_begin(order->head.operations_max);
    td_status status = plugin->transform(instance);
    if (status == TD_OK) status = output_status();
    if (status != TD_OK) fail(status, "transform()");
    input_end();
    fflush(stdout);  // The plugin's own lines arrive before END.
    output_finish();
}

static void probe(const td_plugin *plugin, td_instance *instance, const message *order) {
    static uint8_t head[TD_WIRE_HEAD_MAX];
    size_t length = 0;
    while (length < sizeof head) {
        ssize_t count = RETRY(read(order->descriptor, head + length, sizeof head - length));
        if (count < 0) stop("the head of the input could not be read");
        if (count == 0) break;
        length += (size_t)count;
    }
    close(order->descriptor);  // Read-only: nothing can be lost by its failure.
    td_text name = {(const char *)order->name, order->head.name_length};
    int32_t confidence = plugin->probe(instance, name, head, length);
    fflush(stdout);
    frame_send(TD_WIRE_PROBED, &confidence, sizeof confidence, NULL, 0);
}

static unsigned long long number(const char *text) {
    char *end = NULL;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || end == text || *end) _exit(64);
    return value;
}

int main(int count, char **arguments) {
    if (count != 5) {
        static const char usage[] = "twindrop-worker is started by twindrop; see plugin-abi.md among its documents.\n";
        return write(2, usage, sizeof usage - 1) < 0 ? 74 : 64;
    }
    pid_t parent = (pid_t)number(arguments[1]);
    uint64_t address_space = number(arguments[2]);
    uint32_t descriptors = (uint32_t)number(arguments[3]), layers = (uint32_t)number(arguments[4]);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0) stop("PR_SET_PDEATHSIG failed");
    if (getppid() != parent) _exit(75);  // It died before the line above.
    mallopt(M_ARENA_MAX, 2);             // An arena reserves 64 MiB of address space, which is limited.
    // The next file needs as much memory as this one. Giving it back to the kernel would cost a page fault for each page of each
    // file.
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    mallopt(M_TOP_PAD, 512 << 10);
    setvbuf(stdout, NULL, _IOLBF, 4096);
    if (!output_allocate()) stop("there is no memory for the output");
    install();
    uint32_t sandbox = sandbox_enter(layers, address_space, descriptors);
    frame_send(TD_WIRE_READY, &sandbox, sizeof sandbox, NULL, 0);
    static message order;
    receive(&order);
    if (order.head.type != TD_WIRE_OPEN || !config_load(order.descriptor)) stop("the configuration is torn");
    const td_plugin *plugin = plugin_load();
    td_instance *instance = NULL;
    td_status status = plugin->create(&host, &instance);
    if (status != TD_OK) fail(status, "create()");
    message_clear();
    say_hello(plugin, sandbox);
    for (;;) {
        receive(&order);
        switch (order.head.type) {
            case TD_WIRE_TRANSFORM: transform(plugin, instance, &order); break;
            case TD_WIRE_PROBE: probe(plugin, instance, &order); break;
            default: stop("a control message has an unknown type");
        }
    }
}
