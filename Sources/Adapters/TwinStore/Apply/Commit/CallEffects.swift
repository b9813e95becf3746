/// The effects of a call.
final class CallEffects: CommitEffects {
    /// The models as they are after the call, where it changed them.
    var models: KeyedModels.Change?
    /// False while it has done nothing: then it leaves no trace.
    var hasChanged = false
}
