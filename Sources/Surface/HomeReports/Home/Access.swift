import Foundation

/// Whether the user of this process may look at a home, an archive or a database.
package enum Access {
    /// What is said where `path`, or a folder on the way to it, is another user's and closed; nil where it may be read, and where
    /// it does not exist.
    package static func refusal(of path: String) -> CommandFailure? {
        var folder = ""
        for part in path.split(separator: "/") {
            if !folder.isEmpty, isClosed(folder, FileManager.default.isExecutableFile) { return refuse(folder) }
            folder += "/" + part
        }
        return isClosed(folder, FileManager.default.isReadableFile) ? refuse(folder) : nil
    }

    private static func isClosed(_ path: String, _ isOpen: (String) -> Bool) -> Bool {
        FileManager.default.fileExists(atPath: path) && !isOpen(path)
    }

    private static func refuse(_ path: String) -> CommandFailure {
        let owner = (try? FileManager.default.attributesOfItem(atPath: path))?[.ownerAccountName] as? String
        let how = owner.map { "Run the command as its owner: `sudo -u \($0) twindrop …`." } ?? "Run the command as its owner."
        return CommandFailure(
            .storage, "You are \(NSUserName()), and may not read \(path)\(owner.map { ", which belongs to \($0)" } ?? "").", how)
    }
}
