import DropCore

/// When each twin, relationship and model changed last.
///
/// Guarded by `cacheLock`: a comparison reads them between `lockForReading` and `unlockAfterReading`, one frame at a time; a
/// commit writes them after COMMIT inside `cacheLock.writing`, on the writer's thread.
final class Versions: Sendable {
    let cacheLock = ReadersWriterLock()
    /// By number: the sequence of the last commit that changed it; 0 while it is not committed.
    let twins = SparseArray<UInt32>()
    let relationships = SparseArray<UInt32>()
    /// By global key of a model: the sequence of the commit that last changed it.
    let models = SparseArray<UInt32>()
    /// By number: the model each twin has.
    let twinModels = TwinModels()

    /// Looks at the models of twins as they are at one commit; nil where they are known of another one only.
    func readingModels<T>(at sequence: UInt64, _ body: (TwinModels) -> T) -> T? {
        cacheLock.lockForReading()
        defer { cacheLock.unlockAfterReading() }
        return twinModels.isCurrent(sequence) ? body(twinModels) : nil
    }
}
