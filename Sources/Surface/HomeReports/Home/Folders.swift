package import DropCore
import Foundation

/// The folders of a home, and who may enter them (docs/operations.md).
///
/// What TwinDrop keeps for itself is its user's alone: folders 0700, files 0600, whatever umask it was started with. A folder
/// that senders are to reach lets those pass whom the folder around it lets pass, and no more: who may write to it, or read it,
/// is a person's choice, which stays as it is.
package enum Folders {
    /// Makes what is missing: for the owner alone or, where senders are to come, with passage as their parents give it.
    package static func make(_ paths: [String], forSenders: Bool = false) throws(DropError) {
        for path in paths where !exists(path) {
            do {
                try FileManager.default.createDirectory(
                    atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            } catch {
                throw DropError(
                    .storage, "The folder \(path) cannot be made: \(error.localizedDescription)",
                    hint: "Check its parent's permissions.",
                    remedy: .stop)
            }
            if forSenders { FileRights.inheritPassage(path) }
        }
    }

    /// Takes from everybody but their owner what an earlier version, or another umask, left open of a home's own folders and
    /// files. Passage through the home stays: senders may go that way to the drop zone. What is somebody else's is left to them.
    package static func tighten(home: String, state: String) {
        FileRights.remove(0o066, from: home)
        FileRights.remove(0o077, from: state)
        for name in (try? FileManager.default.contentsOfDirectory(atPath: state)) ?? [] where name != "control.sock" {
            FileRights.remove(0o077, from: state + "/" + name)
        }
    }
}

extension Folders {
    package static func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}
