/// A list that is made once, never changed, and freed by hand. Reading it counts no references, which matters because it happens
/// once per cell. The lists of a plan live as long as the process.
@safe
struct Fixed<Element>: @unchecked Sendable {
    // Sendable: the memory is written in `init` only.
    private let start: UnsafePointer<Element>
    let count: Int

    init(_ elements: [Element]) {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: max(1, elements.count))
        for (index, element) in elements.enumerated() { unsafe (memory + index).initialize(to: element) }
        unsafe start = UnsafePointer(memory)
        count = elements.count
    }

    /// Gives the memory back; nobody reads the list any more, and its elements are plain values.
    func free() { unsafe start.deallocate() }

    subscript(index: Int) -> Element {
        unsafeAddress {  // Lends the element: no copy of a whole struct to read one member.
            precondition(index >= 0 && index < count)
            return unsafe start + index
        }
    }
}
