/// Which plugin ran, for the receipt and the evidence.
package struct TransformSummary: Sendable, Equatable {
    package let pluginID: String
    package let pluginVersion: String
    package let pluginDigest: ContentDigest
    /// The transform digest with which it ran (`Transformer.transformDigest`); nil in older rows.
    package let transformDigest: ContentDigest?
    /// The other rules of its application (`ApplyPolicy.rules`); nil until the pipeline sets it, and in older rows.
    package var rules: String?
    /// Lines the plugin logged, escaped, at most 64 KiB in all; then a line that says how many bytes were dropped.
    package let log: [String]

    package init(
        pluginID: String, pluginVersion: String, pluginDigest: ContentDigest, transformDigest: ContentDigest? = nil,
        rules: String? = nil,
        log: [String]
    ) {
        self.pluginID = pluginID
        self.pluginVersion = pluginVersion
        self.pluginDigest = pluginDigest
        self.transformDigest = transformDigest
        self.rules = rules
        self.log = log
    }
}
