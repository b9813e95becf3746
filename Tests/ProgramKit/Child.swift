import Glibc
package import SystemKit
import ThreadKit

/// A program that a test started. Its descriptors above 2 are closed, its signals are those of a fresh process. It is killed when
/// this value goes. Safe from any thread.
///
/// Foundation's `Process` (Swift 6.3) is not used: it loses a descriptor with every program, and after a thousand of them crashes
/// when it lists those that are open.
package final class Child: Sendable {
    /// What one of the program's standard streams is.
    package enum Stream: Sendable {
        /// `/dev/null`.
        case null
        /// A descriptor of the caller's, which keeps it.
        case descriptor(CInt)
        /// A pipe whose other end is this value's.
        case pipe
    }

    package let processID: Int32
    /// Written to by the caller; -1 where the program's input is no pipe. Closed when this value goes.
    package let input: CInt
    /// Read by the caller; -1 where the program's output is no pipe.
    package let output: CInt
    /// Read by the caller; -1 where the program's error stream is no pipe.
    package let error: CInt
    /// The exit code, negative for a signal; nil while it runs.
    private let end = Monitor<CInt?>(nil)

    /// - Parameters:
    ///   - program: a path; a name without a slash is looked for in PATH.
    ///   - environment: beside that of the caller.
    package init(
        _ program: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        input: Stream = .null, output: Stream = .null, error: Stream = .null
    ) throws(SystemError) {
        let null = try System.open("/dev/null", .readAndWrite)
        defer { System.close(null) }
        let ends = try [input, output, error].enumerated().map { (number, stream) throws(SystemError) in
            switch stream {
            case .null: (own: CInt(-1), program: null)
            case .descriptor(let descriptor): (own: CInt(-1), program: descriptor)
            case .pipe: try Self.pipe(isInput: number == 0)
            }
        }
        (self.input, self.output, self.error) = (ends[0].own, ends[1].own, ends[2].own)
        defer { for end in ends where end.own >= 0 { System.close(end.program) } }
        let moved = folder.map { ["env", "-C", $0] } ?? []
        let process = try Self.spawn(moved + [program] + arguments, environment, ends.map(\.program))
        processID = process
        _ = NamedThread("child-\(process)") { [end] in
            // Its number stays its own until `end` says that it is gone.
            ChildProcess.waitForEnd(process)
            end.with { $0 = (try? ChildProcess.reap(process)) ?? 0 }  // Nobody else reaps it.
        }
    }

    deinit {
        send(SIGKILL)
        for descriptor in [input, output, error] where descriptor >= 0 { System.close(descriptor) }
    }

    package var isRunning: Bool { end.with { $0 == nil } }

    /// Sends it a signal, if it runs.
    package func send(_ signal: CInt) { end.with { if $0 == nil { kill(processID, signal) } } }

    /// Waits until it has ended: the exit code, negative for a signal; nil when it runs on after `seconds`.
    package func wait(seconds: Double = 3600) -> CInt? {
        end.wait(until: { $0 != nil }, timeout: .seconds(seconds)) { $0 }
    }

    private static func pipe(isInput: Bool) throws(SystemError) -> (own: CInt, program: CInt) {
        let ends = try System.pipe()
        return isInput ? (ends.write, ends.read) : (ends.read, ends.write)
    }

    private static func spawn(
        _ arguments: [String], _ environment: [String: String], _ streams: [CInt]
    ) throws(SystemError) -> Int32 {
        // Copies first, out of the way of 0, 1 and 2.
        var copies: [CInt] = []
        defer { for copy in copies { System.close(copy) } }
        for stream in streams { copies.append(try System.duplicate(stream, from: 3)) }
        // The call that closes them in the program is hidden from Swift; nothing here is for programs to inherit.
        for descriptor in CInt(3)..<1024 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        var own: [String] = []
        var at = unsafe environ
        while let entry = unsafe at.pointee {
            let text = unsafe String(cString: entry)
            if environment[String(text.prefix { $0 != "=" })] == nil { own.append(text) }
            unsafe at += 1
        }
        return try ChildProcess.start(
            arguments[0], arguments, environment: own + environment.map { "\($0.key)=\($0.value)" }, streams: copies, inPath: true
        )
    }
}

extension Child {
    /// How a program ended, and what it printed.
    package struct Ended: Sendable {
        /// The exit code, negative for a signal.
        package let code: CInt
        package let out: [UInt8]
        /// Empty where both streams were taken as one.
        package let err: [UInt8]

        package var text: String { String(decoding: out, as: UTF8.self) }
    }

    /// The program did not end in time; it was killed.
    package struct Late: Error { package let command: [String] }

    /// Runs a program to its end; kills it after `seconds`. What it prints goes into files, so that no reader slows it down.
    ///
    /// - Parameter merging: takes both streams as one.
    package static func run(
        _ program: String, _ arguments: [String], in folder: String? = nil, environment: [String: String] = [:],
        seconds: Double = 60, merging: Bool = false
    ) throws -> Ended {
        let files = try [file(), file()]
        defer { for file in files { System.close(file) } }
        let child = try Child(
            program, arguments, in: folder, environment: environment, output: .descriptor(files[0]),
            error: .descriptor(files[merging ? 0 : 1]))
        guard let code = child.wait(seconds: seconds) else { throw Late(command: [program] + arguments) }
        return Ended(code: code, out: content(of: files[0]), err: content(of: files[1]))
    }

    /// A file without a name.
    private static func file() throws(SystemError) -> CInt { try System.unnamedFile(in: "/tmp", prefix: "child-") }

    private static func content(of file: CInt) -> [UInt8] {
        // What cannot be read back is not there to be looked at.
        (try? System.contents(file, bytesMax: .max - 1, "output")).flatMap { $0 } ?? []
    }
}
