import Foundation

/// `state/endpoint`: the URL of the running daemon, for commands and scripts.
enum EndpointFile {
    static func write(_ url: String, state: String) throws {
        try Data((url + "\n").utf8).write(to: URL(fileURLWithPath: state + "/endpoint"), options: .atomic)
    }

    /// A file that cannot be removed names a daemon that does not answer: no harm.
    static func remove(state: String) { try? FileManager.default.removeItem(atPath: state + "/endpoint") }
}
