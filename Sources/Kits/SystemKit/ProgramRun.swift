import Glibc

/// One run of a program: no shell, a time limit, bounded output. Blocking.
///
/// The program has its own process group, which is killed as a whole when its time is over. It inherits only its input, one pipe
/// for both its output streams, and the environment passed in.
package enum ProgramRun {
    /// How it ended.
    package struct Ended: Sendable {
        /// The exit code; negative for a signal.
        package let code: CInt
        /// The first bytes it printed, on both streams.
        package let output: [UInt8]
    }

    /// Why there is no result.
    package struct Failure: Error, Sendable {
        /// In words: `/usr/local/bin/page cannot be started: No such file or directory`.
        package let message: String
    }

    /// How much of what it prints is kept. Unit: bytes.
    package static let outputBytesMax = 4096

    /// - Parameters:
    ///   - arguments: the program, as a path, and its arguments.
    ///   - input: what it reads on its standard input.
    ///   - environment: `NAME=value`, all of it.
    ///   - seconds: it is killed after so long.
    ///   - isCancelled: asked several times a second; true kills it.
    package static func run(
        _ arguments: [String], input: [UInt8], environment: [String], seconds: Double, isCancelled: () -> Bool
    ) throws(Failure) -> Ended {
        let file = try inputFile(input)
        let pipe: (read: CInt, write: CInt)
        do throws(SystemError) { pipe = try System.pipe() } catch {
            throw Failure(message: "No pipe can be made: \(error.reason)")
        }
        let output = Descriptor(pipe.read)
        let process: Int32
        do throws(SystemError) {
            defer { System.close(pipe.write) }
            process = try ChildProcess.start(
                arguments[0], arguments, environment: environment, streams: [file.number, pipe.write, pipe.write], ownGroup: true)
        } catch {
            throw Failure(message: "\(arguments[0]) cannot be started: \(error.reason)")
        }
        return try wait(for: process, arguments[0], reading: output.number, seconds, isCancelled)
    }

    /// A file without a name that has the input, positioned at its start. It is not a pipe, so a program that does not read
    /// blocks nobody.
    private static func inputFile(_ bytes: [UInt8]) throws(Failure) -> Descriptor {
        let file: Descriptor
        do throws(SystemError) { file = Descriptor(try System.unnamedFile(in: "/tmp", prefix: "twindrop-input-")) } catch {
            throw Failure(message: "No temporary file can be made: \(error.reason)")
        }
        do throws(SystemError) {
            try System.write(bytes, to: file.number, "input")
            try System.seek(file.number, to: 0, "input")
        } catch {
            throw Failure(message: "The temporary file cannot be written: \(error.reason)")
        }
        return file
    }

    /// Reads what it prints until it has ended; then its status.
    private static func wait(
        for process: Int32, _ name: String, reading pipe: CInt, _ seconds: Double, _ isCancelled: () -> Bool
    ) throws(Failure) -> Ended {
        let deadline = ContinuousClock.now + .seconds(seconds)
        var output: [UInt8] = []
        System.setNonBlocking(pipe)
        while true {
            read(pipe, into: &output)
            if let code = ChildProcess.reapIfEnded(process) {
                read(pipe, into: &output)
                ChildProcess.kill(process, group: true)  // What it left behind.
                return Ended(code: code, output: output)
            }
            let isLate = ContinuousClock.now > deadline
            guard isLate || isCancelled() else {
                var waiting = pollfd(fd: pipe, events: Int16(POLLIN), revents: 0)
                // At the end of its output the pipe is readable for ever.
                if unsafe poll(&waiting, 1, 50) > 0, waiting.revents & Int16(POLLIN) == 0 { usleep(20_000) }
                continue
            }
            ChildProcess.kill(process, group: true)
            _ = try? ChildProcess.reap(process)  // Somebody else may have reaped it.
            throw Failure(
                message: isLate ? "\(name) did not end within \(Int(seconds)) s, and was killed." : "\(name) was ended.")
        }
    }

    private static func read(_ pipe: CInt, into output: inout [UInt8]) {
        var block = [UInt8](repeating: 0, count: 4096)
        for _ in 0..<64 {
            // Nothing now, and the end, are the same here: the caller looks again.
            guard let count = try? System.read(pipe, into: &block, "output"), count > 0 else { return }
            output += block[..<min(count, max(0, outputBytesMax - output.count))]
        }
    }
}
