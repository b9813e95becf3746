import DropCore
package import HomeConfiguration
package import Pipeline

// What the configuration says of a source, in the words of the parts it is for.

extension Source {
    /// The plugin's library stands beside its manifest.
    package var libraryPath: String { String(manifest.dropLast(".plugin.json".count)) + ".so" }
}

extension PipelineSource {
    package init(_ source: Source) {
        var policy = source.policy
        policy.operationsFree = source.worker.operationsFree
        self.init(
            name: source.name, policy: policy, duplicates: source.duplicates, order: source.order, sequence: source.sequence,
            empty: source.empty)
    }
}
