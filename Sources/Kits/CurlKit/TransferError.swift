/// Why nothing, or not everything, was transferred.
package struct TransferError: Error, Sendable, Equatable {
    /// What went wrong; more may come.
    package enum Code: String, Sendable {
        /// The text is not a web address.
        case address
        /// The host, the scheme or the address it has is not allowed.
        case refused
        /// The host has no address, or nobody answers there.
        case unreachable
        /// The server cannot prove who it is.
        case untrusted
        /// The server answers with another status than success, or with something that cannot be used.
        case answer
        /// The body ended, or the connection broke, before everything was there.
        case incomplete
        case tooLarge
        /// No byte was received or sent for too long.
        case stalled
        case cancelled
        /// The caller's side failed: its bytes could not be read, or libcurl has no memory.
        case local
    }

    package let code: Code
    /// Names the host and says what happened; without the query of the address, which may hold secrets.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
