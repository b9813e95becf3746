import Synchronization

/// Names of properties, relationships and models, and their numbers: one table for the whole graph, shared by all sources.
///
/// A name that only drops under way have used is *held* by them: when the last of them ends without a commit, the name goes, and
/// its number is given out again.
final class GlobalKeys: Sendable {
    private struct State {
        /// By number minus one; empty where the number is free.
        var names: [String] = []
        var numbers: [[UInt8]: UInt32] = [:]
        var free: [UInt32] = []
        /// Numbers the database does not have.
        var unpersisted: Set<UInt32> = []
        /// How many comparisons use each of those that nobody else does.
        var holds: [UInt32: Int] = [:]

        mutating func enter(_ bytes: [UInt8], _ name: String) -> UInt32 {
            let number: UInt32
            if let known = free.popLast() {
                number = known
                names[Int(number) - 1] = name
            } else {
                names.append(name)
                number = UInt32(names.count)
            }
            numbers[bytes] = number
            unpersisted.insert(number)
            return number
        }
    }

    private let state = Mutex(State())

    /// Enters what the database has.
    func load(_ rows: [(number: UInt32, name: String)]) {
        state.withLock { state in
            state = State()
            for (number, name) in rows {
                while state.names.count < Int(number) - 1 {
                    state.names.append("")
                    state.free.append(UInt32(state.names.count))
                }
                state.names.append(name)
                state.numbers[Array(name.utf8)] = number
            }
        }
    }

    /// The number of `name`; a new one when it has none (bytes are compared, not canonical equivalents). For callers that commit
    /// it, or that keep it as long as the process runs.
    func number(of name: String) -> UInt32 {
        state.withLock { state in
            let bytes = Array(name.utf8)
            guard let known = state.numbers[bytes] else { return state.enter(bytes, name) }
            state.holds[known] = nil
            return known
        }
    }

    /// The number of `name` for a comparison, and whether it must `release` it at its end.
    func hold(_ name: String) -> (number: UInt32, isHeld: Bool) {
        state.withLock { state in
            let bytes = Array(name.utf8)
            if let known = state.numbers[bytes] {
                guard let count = state.holds[known] else { return (known, false) }
                state.holds[known] = count + 1
                return (known, true)
            }
            let number = state.enter(bytes, name)
            state.holds[number] = 1
            return (number, true)
        }
    }

    /// Ends the holds of a comparison: names that are nobody's then are forgotten.
    func release(_ numbers: [UInt32]) {
        guard !numbers.isEmpty else { return }
        state.withLock { state in
            for number in numbers {
                guard let count = state.holds[number] else { continue }  // Committed, or used by somebody else, since.
                guard count == 1 else {
                    state.holds[number] = count - 1
                    continue
                }
                state.holds[number] = nil
                state.unpersisted.remove(number)
                state.numbers[Array(state.names[Int(number) - 1].utf8)] = nil
                state.names[Int(number) - 1] = ""
                state.free.append(number)
            }
        }
    }

    /// The number of `name`, if it has one.
    func known(_ name: String) -> UInt32? { state.withLock { $0.numbers[Array(name.utf8)] } }

    /// The name of a number; empty for 0 and for numbers nobody gave out.
    func name(_ number: UInt32) -> String {
        state.withLock { number > 0 && Int(number) <= $0.names.count ? $0.names[Int(number) - 1] : "" }
    }

    /// Lets `body` look at all names, in the order of the numbers from 1. It must not use the table.
    func withNames<T>(_ body: ([String]) -> T) -> T { body(state.withLock { $0.names }) }

    /// Names the database does not have yet: those of `stream`, which is about to be committed, and all that no drop holds.
    func unpersisted(of stream: [UInt32]) -> [(number: UInt32, name: String)] {
        state.withLock { state in
            guard !state.unpersisted.isEmpty else { return [] }
            let wanted = Set(stream)
            return state.unpersisted.filter { state.holds[$0] == nil || wanted.contains($0) }.sorted().map {
                ($0, state.names[Int($0) - 1])
            }
        }
    }

    func persisted(_ numbers: Set<UInt32>) {
        guard !numbers.isEmpty else { return }
        state.withLock { state in
            state.unpersisted.subtract(numbers)
            for number in numbers { state.holds[number] = nil }
        }
    }
}
