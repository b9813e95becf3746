package import DropCore

extension Precondition {
    /// Refuses a call whose condition does not hold (docs/azure-contract.md, "Tags and preconditions").
    ///
    /// - Parameters:
    ///   - tag: of what is there; nil where there is nothing yet.
    ///   - what: the thing, at the beginning of a sentence.
    package func check(tag: String?, of what: String) throws(ServiceError) {
        func fail(_ why: String) -> ServiceError { ServiceError(.preconditionFailed, "\(what) \(why)") }
        switch self {
        case .none: return
        case .ifAbsent:
            guard tag == nil else { throw fail("exists already. Leave out If-None-Match to replace it.") }
        case .ifPresent:
            guard tag != nil else { throw fail("does not exist. Leave out If-Match to create it.") }
        case .ifTagged(let tags):
            guard let tag else { throw fail("does not exist. Leave out If-Match to create it.") }
            guard tags.contains(where: { $0.utf8.elementsEqual(tag.utf8) }) else {
                throw fail("was changed since: its tag is another now. Read it again and repeat the change.")
            }
        }
    }
}
