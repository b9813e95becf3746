import Glibc

/// The calls of the operating system, each with its return code checked. Blocking; safe from any thread.
///
/// A failure is a `SystemError`, with the path, or the name that the caller gives. A descriptor is a number if somebody else owns
/// it, and a `Descriptor` if the caller owns it.
package enum System {
    /// Repeats a call until no signal interrupts it; throws other failures. Every checked call goes through here: the only place
    /// that handles EINTR, and where tests let calls fail (`SystemFaults`).
    @inline(__always)
    @discardableResult
    static func make<Result: SignedInteger>(
        _ call: String, _ path: @autoclosure () -> String, _ body: () -> Result
    ) throws(SystemError) -> Result {
        while true {
            if SystemFaults.isArmed, let number = SystemFaults.next(call, path()) {
                guard number == EINTR else { throw SystemError(number: number, call: call, path: path()) }
                continue
            }
            let result = body()
            if result >= 0 { return result }
            let number = errno
            if number != EINTR { throw SystemError(number: number, call: call, path: path()) }
        }
    }

    /// `bytes` with the NUL that C wants.
    static func terminated(_ name: [UInt8]) -> [CChar] { name.map { CChar(bitPattern: $0) } + [0] }

    /// The name of a descriptor in an error, if the caller has no better one.
    package static func name(of descriptor: CInt) -> String { "descriptor \(descriptor)" }
}

/// An open file, closed when this value ends. `System.sync` makes its data durable before that, so a failed close loses nothing.
@safe package struct Descriptor: ~Copyable, Sendable {
    package let number: CInt

    package init(_ number: CInt) { self.number = number }

    deinit { System.close(number) }
}
