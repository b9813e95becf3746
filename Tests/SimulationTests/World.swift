import DropCore
import ReferenceStore
import ThreadKit

/// The machine that the flow runs on: a disk, a graph, a clock, and what goes wrong. Every call of a port passes through `call`:
/// it takes its time there, may fail, and may be the one at which the machine goes off.
final class World: Sendable {
    private struct Machine {
        var disk = Disk()
        /// Nothing is written any more.
        var isOff = false
        /// After so many calls the machine goes off; nil: not in this run.
        var callsLeft: Int?
        /// Whether calls fail and the disk is full at times.
        var isRough = true
        var calls = 0
        var random: SeededNumbers
        /// The last calls, for whoever looks into a failure.
        var trace: [String] = []
    }

    enum Fate {
        case usual
        case fails(DropError)
        /// The machine goes off before or after what the call does.
        case last(isDone: Bool)
    }

    private let machine: Monitor<Machine>
    let conductor: Conductor
    let store: ReferenceStore
    /// 2026, in milliseconds since 1970.
    static let transformDigest: UInt64 = 1_795_000_000_000

    init(seed: UInt64, _ conductor: Conductor) {
        machine = Monitor(Machine(random: SeededNumbers(seed: seed &* 3 &+ 1)))
        self.conductor = conductor
        store = ReferenceStore { [conductor] in Int64(Self.now(conductor)) * 10_000 }
    }

    /// Milliseconds since 1970.
    var now: UInt64 { Self.now(conductor) }

    private static func now(_ conductor: Conductor) -> UInt64 { transformDigest + UInt64(conductor.elapsed / .milliseconds(1)) }

    /// What a call comes to once the machine is off.
    static let off = DropError(.storage, "The machine is off.", hint: "", remedy: .stop)

    /// One call of a port: `effect` is all that it does, and happens at once.
    ///
    /// - Parameter faults: what may go wrong instead, where times are rough.
    func call<T>(
        _ what: String, _ faults: [DropError] = [], _ effect: (inout Disk) throws(DropError) -> T
    ) throws(DropError) -> T {
        Conductor.pause(machine.withoutWaking { .microseconds(Int.random(in: 0...20_000, using: &$0.random)) })
        switch machine.withoutWaking({ Self.fate(of: what, faults, &$0) }) {
        case .fails(let error): throw error
        case .last(let isDone):
            defer { machine.withoutWaking { $0.isOff = true } }
            if isDone { _ = try change(effect) }
            throw Self.off
        case .usual: return try change(effect)
        }
    }

    private static func fate(of what: String, _ faults: [DropError], _ machine: inout Machine) -> Fate {
        guard !machine.isOff else { return .fails(off) }
        machine.calls += 1
        machine.trace.append(what)
        if machine.trace.count > 400 { machine.trace.removeFirst(200) }
        if let left = machine.callsLeft {
            machine.callsLeft = left - 1
            if left <= 1 { return .last(isDone: Bool.random(using: &machine.random)) }
        }
        guard machine.isRough, let fault = faults.randomElement(using: &machine.random),
            Int.random(in: 0..<40, using: &machine.random) == 0
        else { return .usual }
        machine.trace[machine.trace.count - 1] += " (\(fault.code.text))"
        return .fails(fault)
    }

    private func change<T>(_ effect: (inout Disk) throws(DropError) -> T) throws(DropError) -> T {
        try machine.withoutWaking { (machine) throws(DropError) in try effect(&machine.disk) }
    }

    /// A look at the disk, or something that happens outside of the program.
    func outside<T>(_ body: (inout Disk) -> T) -> T { machine.withoutWaking { body(&$0.disk) } }

    /// Draws from the world's own random numbers.
    func random<T>(_ body: (inout SeededNumbers) -> T) -> T { machine.withoutWaking { body(&$0.random) } }

    /// One in so many.
    func happens(oneIn count: Int) -> Bool {
        machine.withoutWaking { $0.isRough && Int.random(in: 0..<count, using: &$0.random) == 0 }
    }

    var isOff: Bool { machine.withoutWaking { $0.isOff } }
    var calls: Int { machine.withoutWaking { $0.calls } }
    var trace: [String] { machine.withoutWaking { $0.trace } }

    /// The machine goes off with the call that comes after so many others.
    func goOff(after calls: Int?) { machine.withoutWaking { $0.callsLeft = calls } }

    /// From here on nothing fails.
    func calmDown() {
        machine.withoutWaking {
            $0.isRough = false
            $0.callsLeft = nil
        }
    }

    /// The program has ended. Where the machine went off, memory is gone, too.
    func restart() {
        machine.withoutWaking { machine in
            if machine.isOff { machine.disk.powerCut(&machine.random) } else { machine.disk.attached = [:] }
            machine.isOff = false
            machine.callsLeft = nil
        }
        // Ids of another run are never of the same millisecond.
        Conductor.pause(.seconds(1))
    }
}

// MARK: - What goes wrong

extension World {
    static let noRoom = DropError(.diskFull, "No room.", hint: "Make room.", remedy: .retry(after: .milliseconds(200)))
    static let brokenDisk = DropError(.storage, "Input/output error.", hint: "Look at the disk.", remedy: .stop)
    static let unreadable = DropError(.unreadable, "It cannot be read.", hint: "Look at the disk.", remedy: .quarantine)
    static let conflict = DropError(.conflict, "Others changed it.", hint: "", remedy: .retry(after: .milliseconds(50)))
    static let noReceipts = DropError(
        .receiptsUnusable, "The folder of receipts cannot be used.", hint: "", remedy: .retry(after: .seconds(1)))
    static let pluginCrash = DropError(.crashed, "The plugin crashed.", hint: "Report it.", remedy: .quarantine)
    static let noWorker = DropError(.workerStart, "No process.", hint: "", remedy: .retry(after: .milliseconds(300)))
    static let wrongSettings = DropError(.settings, "A setting is wrong.", hint: "Correct it.", remedy: .suspendSource)
}
