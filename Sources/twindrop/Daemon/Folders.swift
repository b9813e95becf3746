import DropCore
import Foundation

/// The folders of a home.
enum Folders {
    /// Makes what is missing, for the owner alone (0700) where it holds our own state.
    static func make(_ paths: [String]) throws(DropError) {
        for path in paths {
            do {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw DropError(
                    "storage", "The folder \(path) cannot be made: \(error.localizedDescription)", hint: "Check its parent's permissions.",
                    remedy: .stop)
            }
        }
    }
}

extension Folders {
    static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
