/// Why the daemon cannot start, or a command cannot do what it was called for: the call, the configuration or a file that it
/// names says what cannot be done. Nothing is wrong with any drop.
package struct StartError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which error it is: one closed list. docs/errors.md is made of these comments by scripts/reference.
    package enum Code: String, Sendable, CaseIterable, CustomStringConvertible {
        // MARK: A start or a call is refused
        // The call, the configuration or a file that it names is wrong. The command ends with 64; with 74 for `control-socket`,
        // `export`, `jobs`.

        /// The file of `verify --anchor` is no seal.
        /// - Next: Give a file that was copied from the `seals` folder of the archive.
        case anchor
        /// The control socket cannot be opened.
        /// - Next: Check the permissions of the state folder; its path may have at most 107 bytes.
        case controlSocket = "control-socket"
        /// The file of `log.events` cannot be written.
        /// - Next: Correct `log.events`.
        case eventStream = "event-stream"
        /// The file of `twindrop export` cannot be written, or the graph cannot be read.
        /// - Next: Check the folder, its permissions and its free space.
        case export
        /// Other machines could reach the twin service without TLS or without a token.
        /// - Next: Configure `http.tls` and `http.tokens`, or listen on 127.0.0.1.
        case insecureListen = "insecure-listen"
        /// The folder of job records cannot be used.
        /// - Next: Check its permissions.
        case jobs
        /// The keys of `http.jwt` cannot be had or read.
        /// - Next: Give what the provider's `jwks_uri` gives, unchanged.
        case jwtKeys = "jwt-keys"
        /// The address of the twin service is none, or cannot be listened on.
        /// - Next: Choose another with `http.listen` or `--listen HOST:PORT`.
        case listen
        /// A model file of the home cannot be used.
        /// - Next: `twindrop models validate` checks files.
        case models
        /// The process may have too few files open.
        /// - Next: Raise `LimitNOFILE` of the unit, or lower `limits.workers`.
        case openFiles = "open-files"
        /// The running daemon does not know what the command asks for.
        /// - Next: Use the `twindrop` of the same version; restart the daemon after an upgrade.
        case request
        /// The certificate or key of `http.tls` cannot be used.
        /// - Next: Both are PEM files: the certificate with those that signed it, and its private key.
        case tls
        /// The file of `http.tokens` cannot be read, or a line of it is no token.
        /// - Next: `twindrop token new` prints a line for it.
        case tokens

        package var description: String { rawValue }
    }

    package let code: Code
    /// One sentence that names the thing.
    package let message: String
    /// The next action.
    package let hint: String

    /// Whether storage is to blame, and not what was asked for: exit status 74 in place of 64.
    package let isOfStorage: Bool

    /// - Parameter isOfStorage: nil: what the code says.
    package init(_ code: Code, _ message: String, hint: String, isOfStorage: Bool? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
        self.isOfStorage = isOfStorage ?? [.controlSocket, .export, .jobs].contains(code)
    }

    package var description: String { "\(message) \(hint)" }
}
