import Configuration
import Foundation

/// What `twindrop init` makes.
enum HomeTemplate {
    struct Failure: Error {
        let message: String
        let hint: String
    }

    /// Makes the folder and its first files; what was made, relative to it. A home that is there already is left alone.
    static func write(to folder: String) throws(Failure) -> [String] {
        let files = FileManager.default
        let target = folder + "/" + Configuration.fileName
        guard !files.fileExists(atPath: target) else {
            throw Failure(message: "\(folder) is a home already.", hint: "Edit \(target), or choose another folder.")
        }
        do {
            for name in Configuration.templateFolders {
                try files.createDirectory(atPath: folder + "/" + name, withIntermediateDirectories: true)
            }
            try Data(Configuration.template.utf8).write(to: URL(fileURLWithPath: target))
        } catch {
            throw Failure(message: "\(folder) cannot be made: \(error.localizedDescription)", hint: "Check its permissions.")
        }
        return [Configuration.fileName] + Configuration.templateFolders.map { $0 + "/" }
    }
}
