import DropCore

/// Lets each drop that is suspected of having ended the program go alone, so that a second end tells which one it was
/// (decision 0034). Pure; used while the pipeline's state is locked.
struct Caution {
    var suspects: Set<DropID> = []
    /// The suspect that is being worked on.
    private(set) var alone: DropID?
    /// A suspect is next, and waits until nothing else is in hand.
    private var wantsQuiet = false

    /// No drop is suspected, and none goes alone.
    var isIdle: Bool { suspects.isEmpty && alone == nil && !wantsQuiet }

    /// Whether it makes sense to look for the next drop.
    func maySearch(isQuiet: Bool) -> Bool { alone == nil && (!wantsQuiet || isQuiet) }

    /// Whether work on `drop` may begin now.
    ///
    /// - Parameter isQuiet: nothing else is being transformed or committed.
    mutating func admits(_ drop: DropID, isQuiet: Bool) -> Bool {
        guard maySearch(isQuiet: isQuiet) else { return false }
        guard suspects.contains(drop) else { return true }
        wantsQuiet = !isQuiet
        if isQuiet { alone = drop }
        return isQuiet
    }

    /// Work on `drop` has come to an end.
    mutating func ended(_ drop: DropID) {
        suspects.remove(drop)
        if alone == drop { alone = nil }
    }
}
