/// What is fuzzed: readers of bytes that others made (docs/fuzzing.md). Each target states what must hold for any input at all.
///
/// The same functions run in two ways: `make test` replays the kept corpus through them, and `scripts/fuzz` builds them with
/// libFuzzer, which looks for inputs that break one.
enum FuzzTarget: String, CaseIterable, Sendable {
    case json, operations, delimited, yaml, tar
    #if !FUZZ_WITHOUT_FRAMES
        case frames
    #endif

    /// Throws what does not hold for this input. A crash or an endless loop is a finding, too.
    func check(_ bytes: [UInt8]) throws(Unheld) {
        switch self {
        case .json: try JSONCheck.check(bytes)
        case .operations: try OperationsCheck.check(bytes)
        case .delimited: try DelimitedCheck.check(bytes)
        case .yaml: try YAMLCheck.check(bytes)
        case .tar: try TarCheck.check(bytes)
        #if !FUZZ_WITHOUT_FRAMES
            case .frames: try FramesCheck.check(bytes)
        #endif
        }
    }
}

/// A property that an input breaks.
struct Unheld: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// Throws `what` unless it holds.
func hold(_ condition: Bool, _ what: @autoclosure () -> String) throws(Unheld) {
    guard condition else { throw Unheld(what()) }
}
