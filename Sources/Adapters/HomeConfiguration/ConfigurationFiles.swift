import CodecKit
import DropCore
import Foundation

/// Reads the files of a configuration with Foundation, because Yams needs it anyway and a configuration is read once.
struct ConfigurationFiles {
    /// Absolute; errors name files relative to it.
    let home: String
    private(set) var read: [String] = []
    /// Those that were read, and those that would have been.
    private(set) var asked: [String] = []

    init(home: String) { self.home = home }

    /// The bytes of a regular file of at most `bytesMax`; or what is wrong, as the end of a sentence.
    mutating func bytes(of path: String, bytesMax: Int) -> Result<[UInt8], Failure> {
        asked.append(path)
        let size: Int
        switch self.size(of: path) {
        case .success(let bytes): size = bytes
        case .failure(let failure): return .failure(failure)
        }
        guard size <= bytesMax else { return .failure(.tooLarge) }
        guard let data = FileManager.default.contents(atPath: path) else { return .failure(.unreadable) }
        read.append(path)
        return .success(Array(data))
    }

    enum Failure: Error { case missing, noFile, tooLarge, unreadable }

    /// The error for a file that could not be read.
    func error(_ failure: Failure, path: String, at place: Place, keyPath: String, bytesMax: Int) -> ConfigurationError {
        let name = shown(path)
        let size = Quantity.text(size: UInt64(bytesMax))
        return switch failure {
        case .missing: ConfigurationError(.missingFile, at: place, keyPath: keyPath, "there is no file \(name).")
        case .noFile: ConfigurationError(.unreadable, at: place, keyPath: keyPath, "\(name) is no regular file.")
        case .tooLarge: ConfigurationError(.tooLarge, at: place, keyPath: keyPath, "\(name) is larger than \(size).")
        case .unreadable:
            ConfigurationError(
                .unreadable, at: place, keyPath: keyPath, "\(name) cannot be read.", hint: "Check its permissions.")
        }
    }

    /// `path` as messages name it: relative to the home if it is inside.
    func shown(_ path: String) -> String {
        path.hasPrefix(home + "/") ? String(path.dropFirst(home.count + 1)) : path
    }

    /// The names in `folder`, sorted; empty if it cannot be read. The missing files then report that.
    func names(in folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
    }

    /// `path` with its symbolic links followed as far as it exists.
    func physical(_ path: String) -> String {
        var existing = path
        var missing: [Substring] = []
        while existing != "/", !FileManager.default.fileExists(atPath: existing), let slash = existing.lastIndex(of: "/") {
            missing.insert(existing[existing.index(after: slash)...], at: 0)
            existing = slash == existing.startIndex ? "/" : String(existing[..<slash])
        }
        let resolved = URL(fileURLWithPath: existing).resolvingSymlinksInPath().path
        return missing.isEmpty ? resolved : Self.absolute(missing.joined(separator: "/"), from: resolved)
    }

    /// Why the folder `path` does not exist and cannot be made; nil: nothing prevents it. A link that leads nowhere may lead to a
    /// file system that is mounted later.
    func defect(ofFolder path: String) -> String? {
        if path.utf8.count > 3800 || path.utf8.split(separator: UInt8(ascii: "/")).contains(where: { $0.count > 255 }) {
            return "the folder \(Escaping.visible(shown(path), scalarsMax: 80)) has a longer name than a file system takes."
        }
        var existing = path
        while existing != "/", !FileManager.default.fileExists(atPath: existing) {
            existing = (existing as NSString).deletingLastPathComponent
        }
        let attributes = try? FileManager.default.attributesOfItem(atPath: physical(existing))
        guard let type = attributes?[.type] as? FileAttributeType, type != .typeDirectory else { return nil }
        return "\(Escaping.visible(shown(existing))) is a file, so \(Escaping.visible(shown(path))) cannot be a folder."
    }

    /// `path` without `.`, `..` and doubled slashes, taken from `base` when it is not absolute.
    static func absolute(_ path: String, from base: String) -> String {
        var parts: [Substring] = []
        let whole = path.hasPrefix("/") ? path : base + "/" + path
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// The current folder, for a home that is given relative to it.
    static var currentFolder: String { FileManager.default.currentDirectoryPath }

    private func size(of path: String) -> Result<Int, Failure> {
        do {
            let attributes = try FileManager.default.attributesOfItem(atPath: physical(path))
            guard attributes[.type] as? FileAttributeType == .typeRegular, let size = attributes[.size] as? Int else {
                return .failure(.noFile)
            }
            return .success(size)
        } catch let error as CocoaError where error.code == .fileReadNoSuchFile || error.code == .fileNoSuchFile {
            return .failure(.missing)
        } catch {
            return .failure(.unreadable)
        }
    }
}
