import DropCore
import Glibc
import SystemKit

/// How an attempt to run a plugin failed.
struct WorkerFailure: Error {
    enum Kind {
        /// The process ended by itself: a signal, or an exit.
        case crashed
        /// Wall time, processor time or silence.
        case timeout
        /// Output, threads: what the host counts.
        case limit
        /// The file reaches a limit of the plugin or of the source: an answer about the file, like a refusal.
        case tooMuch
        /// The worker broke the form of the wire.
        case protocolFault
        /// The input is not what the plugin reads.
        case refused
        case settings
        /// A defect the plugin itself reports.
        case failed
        /// The plugin could not read the input.
        case input
        case cancelled
        /// No worker can be started, or the library cannot be loaded.
        case notLoaded
        /// The machine is short of something that is needed to start a worker or to pass it a file.
        case unready
        case abi
        /// The library is another plugin, or another version of it, than its manifest says.
        case manifest
        /// A required layer of the sandbox is not active.
        case sandbox
        /// The source has so many names that no more fit.
        case namesFull
        /// The sink refused what it got.
        case sink(DropError)
    }

    let kind: Kind
    /// One sentence; from the plugin: escaped already.
    let message: String
    var offset: UInt64?

    init(_ kind: Kind, _ message: String, offset: UInt64? = nil) {
        self.kind = kind
        self.message = message
        self.offset = offset
    }

    /// A failed call of the host with the errno `number`: of `kind`, if the cause does not end by itself.
    init(_ kind: Kind, _ what: String, errno number: CInt) {
        self.init(Self.passes(number) ? .unready : kind, "\(what) (\(SystemError.text(number))).")
    }

    /// Whether an errno means a shortage, or a program that is just being replaced.
    static func passes(_ number: CInt) -> Bool { SystemError.passes(number) }

    static let unreadyHint =
        "It is tried again. Raise the service's limits of memory, processes or open files if it happens often."

    /// Whether a new worker may succeed. The plugin would repeat what it says about the input or its settings.
    var isWorthRetrying: Bool {
        switch kind {
        case .crashed, .timeout, .limit, .protocolFault, .failed, .input: true
        case .sink(let error): error.code == .protocol
        case .refused, .tooMuch, .settings, .cancelled, .notLoaded, .unready, .abi, .manifest, .sandbox, .namesFull: false
        }
    }

    /// Whether the failure is the plugin's fault, whatever the file contains: several of them in a row suspend it. The file may
    /// be the cause of any other failure, and nobody must be able to stop a source by what they send.
    var countsAgainstPlugin: Bool {
        switch kind {
        case .crashed, .protocolFault: true
        case .sink(let error): error.code == .protocol
        default: false
        }
    }

    /// The failure as the pipeline handles it. `subject` names the drop or source.
    func error(about subject: String, plugin: String) -> DropError {
        let message = place + message
        let log = "`twindrop show` has what it logged; correct plugin \(plugin), then retry the drop."
        switch kind {
        case .crashed:
            return DropError(.crashed, "\(subject): plugin \(plugin) crashed. \(message)", hint: log, remedy: .quarantine)
        case .timeout:
            return DropError(
                .timeout, "\(subject): plugin \(plugin) took too long. \(message)",
                hint: "Correct the plugin, or raise the source's limits, then retry the drop.", remedy: .quarantine)
        case .limit:
            return DropError(
                .limit, "\(subject): plugin \(plugin) passed a limit. \(message)",
                hint: "Correct the plugin, or raise the source's limits, then retry the drop.", remedy: .quarantine,
                offset: offset)
        case .tooMuch:
            return DropError(
                .limit, "\(subject): \(message)",
                hint: "Split the file, or raise the limit that the message names, then retry the drop.", remedy: .quarantine,
                offset: offset)
        case .protocolFault:
            return DropError(
                .protocol, "\(subject): plugin \(plugin) gave output that cannot be read. \(message)", hint: log,
                remedy: .quarantine)
        case .refused:
            return DropError(
                .refused, "\(subject): \(message)",
                hint:
                    "Correct the file and run it in the place of this drop: `twindrop retry DROP --with FILE`. Or correct the source's "
                    + "mapping or settings and retry the drop. A file that is delivered anew counts as newer than what came meanwhile.",
                remedy: .quarantine, offset: offset)
        case .settings:
            return DropError(
                .settings, "\(subject): plugin \(plugin) does not accept its settings. \(message)",
                hint:
                    "Correct the source's mapping: it then continues by itself. Settings in twindrop.yaml count from a reload or a start on.",
                remedy: .suspendSource)
        case .failed:
            return DropError(.pluginFailed, "\(subject): \(message)", hint: log, remedy: .quarantine, offset: offset)
        case .input:
            return DropError(
                .inputFailed, "\(subject): \(message)", hint: "Check the disk under the state folder, then retry the drop.",
                remedy: .quarantine, offset: offset)
        case .cancelled:
            return DropError(
                .cancelled, "\(subject): the transform was cancelled.", hint: "It runs again when the daemon does.",
                remedy: .retry(after: .zero))
        case .notLoaded:
            return DropError(
                .pluginMissing, "\(subject): plugin \(plugin) could not be started. \(message)",
                hint: "Install a build of the plugin for this machine, and twindrop-worker beside twindrop.",
                remedy: .suspendSource)
        case .unready:
            return DropError(
                .workerStart, "\(subject): plugin \(plugin) cannot be started just now. \(message)", hint: Self.unreadyHint,
                remedy: .retry(after: .seconds(1)))
        case .abi:
            return DropError(
                .abi, "\(subject): plugin \(plugin) does not fit this TwinDrop. \(message)",
                hint: "Install the version of the plugin that its manifest names, built for ABI 1.", remedy: .suspendSource)
        case .manifest:
            return DropError(
                .abi, "\(subject): the manifest of plugin \(plugin) is not that of its library. \(message)",
                hint: "Correct `id` and `version` in the manifest, or install the library that it was written for.",
                remedy: .suspendSource)
        case .sandbox:
            return DropError(
                .sandbox, "\(subject): plugin \(plugin) is not started. \(message)",
                hint: "Run a kernel that has them, or set limits.worker.sandbox: available to do without.", remedy: .suspendSource
            )
        case .namesFull:
            return DropError(
                .namesFull, "\(subject): \(message)",
                hint: "Remove names that no twin uses with `twindrop forget-names`. Then retry the drop.", remedy: .quarantine
            )
        case .sink(let error):
            return error
        }
    }

    /// The byte the failure is about, so that every text of it names the place.
    private var place: String { offset.map { "Byte \($0): " } ?? "" }

    /// Words for a wait status, as wait(2) gives it.
    static func words(forStatus status: CInt) -> String {
        let signal = status & 0x7F
        guard signal != 0 else { return "Its process exited with code \((status >> 8) & 0xFF)." }
        let names: [CInt: String] = [
            SIGSEGV: "SIGSEGV, a bad memory access", SIGABRT: "SIGABRT, it gave up", SIGILL: "SIGILL, a trap",
            SIGTRAP: "SIGTRAP, a trap", SIGBUS: "SIGBUS, a bad memory access", SIGFPE: "SIGFPE, a bad division",
            SIGKILL: "SIGKILL, killed from outside, perhaps for lack of memory",
            SIGSYS: "SIGSYS, a system call that no plugin may make", SIGXFSZ: "SIGXFSZ, it wrote to a file",
        ]
        return "Its process ended by signal \(signal) (\(names[signal] ?? "no particular meaning"))."
    }
}
