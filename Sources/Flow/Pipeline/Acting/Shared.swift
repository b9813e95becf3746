import DropCore
import ThreadKit

/// What all parts of the flow share: the ledger, and what never changes while they run.
struct Shared: Sendable {
    let ledger: Monitor<Ledger>
    let sources: [SourceName: PipelineSource]
    let limits: PipelineLimits
    /// Makes the labels: times and ids.
    let clock: MonotonicClock
    /// Told what happens to drops, on the thread where it happens.
    let emit: @Sendable (PipelineEvent) -> Void

    /// True where drops of the source must not overtake one another.
    func keepsOrder(_ name: SourceName) -> Bool {
        guard let source = sources[name] else { return false }
        return source.order != .none || source.waitsForCommit
    }

    /// Files that wait together in a source ordered by name, by their names: the first to be registered is the first to go on.
    func byName<File>(_ files: [File], _ settled: (File) -> SettledFile) -> [File] {
        var sorted = files
        for source in Set(files.map { settled($0).source }) where sources[source]?.order == .name {
            let places = files.indices.filter { settled(files[$0]).source == source }
            let inOrder = places.map { files[$0] }.sorted {
                settled($0).name.bytes.lexicographicallyPrecedes(settled($1).name.bytes)
            }
            for (place, file) in zip(places, inOrder) { sorted[place] = file }
        }
        return sorted
    }
}
