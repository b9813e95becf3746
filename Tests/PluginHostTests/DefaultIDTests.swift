import Testing

@Suite struct `A relationship without an id of its own` {
    /// Reads targets, one in each line, and relates a twin to them.
    private static let source = """
        #include "twindrop_plugin.h"
        #include <string.h>
        struct td_instance { const td_host *host; td_key name; };
        static td_instance self;
        static td_status create(const td_host *host, td_instance **instance) {
            static const char name[] = "contains";
            self.host = host;
            self.name = host->key(host, (td_text){name, sizeof name - 1});
            *instance = &self;
            return TD_OK;
        }
        static td_status transform(td_instance *instance) {
            static char buffer[65536];
            int64_t count = instance->host->read(instance->host, buffer, sizeof buffer);
            for (char *at = buffer, *end; count > 0 && (end = memchr(at, '\\n', (size_t)(buffer + count - at))); at = end + 1) {
                instance->host->record(instance->host, (uint64_t)(at - buffer), (uint64_t)(end + 1 - at));
                td_text target = {at, (size_t)(end - at)};
                instance->host->begin_relationship(instance->host, TD_UPSERT, (td_text){"s", 1}, instance->name, target, (td_text){0, 0});
                td_status status = instance->host->end(instance->host);
                if (status != TD_OK) return status;
            }
            return TD_OK;
        }
        static int32_t probe(td_instance *i, td_text n, const void *h, size_t l) { (void)i, (void)n, (void)h, (void)l; return 1; }
        static void destroy(td_instance *instance) { (void)instance; }
        static const td_plugin plugin = {
            .struct_size = sizeof(td_plugin), .abi_major = TD_ABI_MAJOR, .abi_minor = TD_ABI_MINOR, .id = "relate",
            .version = "1.0.0", .create = create, .probe = probe, .transform = transform, .destroy = destroy,
        };
        TD_EXPORT const td_plugin *twindrop_plugin_v1(uint16_t major, uint16_t minor) {
            (void)minor;
            return major == TD_ABI_MAJOR ? &plugin : 0;
        }

        """

    /// The digests are those of sha256sum.
    @Test(arguments: [
        (String(repeating: "t", count: 119), "contains:" + String(repeating: "t", count: 119)),
        (
            String(repeating: "t", count: 120),
            "contains:" + String(repeating: "t", count: 86) + "#a88cadbdaa93ad158cefad69a52bbd6f"
        ),
        (String(repeating: "ü", count: 119), "contains:" + String(repeating: "ü", count: 119)),
        (
            String(repeating: "ü", count: 121),
            "contains:" + String(repeating: "ü", count: 86) + "#d45523209f5b93a060bdcf8088d04d40"
        ),
        (
            String(repeating: "%C3%A4", count: 21),
            "contains:" + String(repeating: "%C3%A4", count: 14) + "%C#8b328e730c0d80117d1cacc54bf4b183"
        ),
    ])
    func `is called by name and target, shortened by a hash where that is too long`(target: String, id: String) throws {
        let sink = RecordingSink()
        try Bench(Workshop.plugin("relate", source: Self.source)).run(target + "\n", into: sink)
        #expect(sink.entries.contains { $0.contains(" " + id) }, "\(sink.entries)")
        #expect(id.unicodeScalars.count <= 128)
    }
}
