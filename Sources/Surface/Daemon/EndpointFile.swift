import Foundation
import HomeReports

/// `state/endpoint`: the URL of the running daemon, for commands and scripts.
enum EndpointFile {
    /// Written beside and renamed: whoever reads it never sees half of it.
    static func write(_ url: String, state: String) throws(CommandFailure) {
        guard FileManager.default.createFile(atPath: state + "/endpoint.new", contents: Data((url + "\n").utf8)) else {
            throw CommandFailure(.storage, "\(state)/endpoint cannot be written.")
        }
        try FileCalls.rename(state + "/endpoint.new", to: state + "/endpoint")
    }

    /// A file that cannot be removed names a daemon that does not answer: no harm.
    static func remove(state: String) { try? FileManager.default.removeItem(atPath: state + "/endpoint") }
}
