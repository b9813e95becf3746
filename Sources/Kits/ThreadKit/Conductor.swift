import Synchronization

/// Lets the threads of a test run one at a time, in an order that a seed decides, and by a clock of its own: what they do can
/// be done again from the seed alone (docs/simulation.md, "How threads take turns").
///
/// A thread gives its turn away where it waits in a `Monitor` and where it calls `pause`. The next one is drawn among those that
/// can go on; when none can, the clock jumps to the first moment at which one can. Threads that are started meanwhile are
/// conducted, too. Outside of `run` nothing of this happens.
package final class Conductor: Sendable {
    /// What a conducted thread is known by.
    struct Seat: Sendable {
        let conductor: Conductor
        let number: Int

        /// Runs the body of a new thread when its turn comes.
        func run(_ body: () -> Void) {
            Conductor.$seat.withValue(self) {
                conductor.awaitTurn(number)
                body()
                conductor.leave(number)
            }
        }
    }

    @TaskLocal static var seat: Seat?

    /// A thread without the turn: it goes on when it is ready, or when its time has come.
    private struct Waiting {
        let isReady: (() -> Bool)?
        let due: Duration?
    }

    private struct State {
        /// Who may run.
        var turn = 0
        var waiting: [Int: Waiting] = [:]
        /// By number.
        var names = ["main"]
        var turns = 0
        var random: SeededNumbers
    }

    private let state: Monitor<State>
    private let time = Mutex<Duration>(.zero)
    private let begin = ContinuousClock.now
    private let turnsMax: Int
    private let onStuck: @Sendable (String) -> Never

    /// - Parameters:
    ///   - turnsMax: after so many turns the threads count as stuck.
    ///   - onStuck: told why nobody goes on.
    package init(seed: UInt64, turnsMax: Int, onStuck: @escaping @Sendable (String) -> Never) {
        state = Monitor(State(random: SeededNumbers(seed: seed)), isConducted: false)
        self.turnsMax = turnsMax
        self.onStuck = onStuck
    }

    /// Runs `body` as the first of the threads. All threads that it starts must have ended when it returns.
    package func run(_ body: () -> Void) { Self.$seat.withValue(Seat(conductor: self, number: 0), operation: body) }

    /// How much of its time has passed.
    package var elapsed: Duration { time.withLock { $0 } }

    /// Now, for timers: by the clock of whoever conducts this thread, else by the machine's.
    package static var now: ContinuousClock.Instant {
        guard let conductor = seat?.conductor else { return .now }
        return conductor.begin + conductor.elapsed
    }

    /// Lets others go on for a while, by the conductor's clock; nothing, where nobody conducts.
    package static func pause(_ duration: Duration) {
        guard let seat else { return }
        seat.conductor.wait(seat.number, until: nil, timeout: duration)
    }

    // MARK: - For monitors and threads

    /// Gives the turn away until `isReady`, or until the time is over. The caller holds no lock.
    func wait(_ number: Int, until isReady: (() -> Bool)?, timeout: Duration?) {
        let due = timeout.map { elapsed + $0 }
        state.with { state in
            state.waiting[number] = Waiting(isReady: isReady, due: due)
            choose(&state)
        }
        awaitTurn(number)
    }

    /// A place for a thread that is about to be started.
    func enroll(_ name: String) -> Seat {
        state.with { state in
            let number = state.names.count
            state.names.append(name)
            state.waiting[number] = Waiting(isReady: { true }, due: nil)
            return Seat(conductor: self, number: number)
        }
    }

    private func awaitTurn(_ number: Int) {
        state.wait(until: { $0.turn == number }) { state in state.waiting[number] = nil }
    }

    private func leave(_ number: Int) { state.with { state in choose(&state) } }

    /// Draws the next thread. Asks the others' questions: whoever has the turn holds no lock that these need.
    private func choose(_ state: inout State) {
        state.turns += 1
        if state.turns > turnsMax { onStuck("after \(turnsMax) turns they are not at rest: \(names(state))") }
        while true {
            let now = elapsed
            let ready = state.waiting.filter { _, one in
                if let due = one.due, due <= now { return true }
                return one.isReady?() ?? false
            }
            if let next = ready.keys.sorted().randomElement(using: &state.random) {
                state.turn = next
                return
            }
            guard let due = state.waiting.values.compactMap(\.due).min() else {
                onStuck("each waits for another: \(names(state))")
            }
            time.withLock { $0 = due }
        }
    }

    private func names(_ state: borrowing State) -> String {
        state.waiting.keys.sorted().map { state.names[$0] }.joined(separator: ", ")
    }
}

/// Random numbers from a seed, the same on every machine (SplitMix64).
package struct SeededNumbers: RandomNumberGenerator, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}
