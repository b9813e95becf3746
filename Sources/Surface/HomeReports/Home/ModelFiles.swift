import CodecKit
import Foundation
package import TwinModel

/// Model files by path.
package enum ModelFiles {
    /// Reads files, and every `*.json` and `*.jsonld` below folders, in the order of their paths.
    package static func read(_ paths: [String]) throws(CommandFailure) -> [ModelDocument] {
        var documents: [ModelDocument] = []
        for path in paths {
            for file in try files(path) {
                guard let data = FileManager.default.contents(atPath: file) else {
                    throw CommandFailure(.usage, "\(Escaping.visible(file)) cannot be read.", "Check its permissions.")
                }
                documents.append(ModelDocument(name: file, bytes: Array(data)))
            }
        }
        return documents
    }

    private static func files(_ path: String) throws(CommandFailure) -> [String] {
        guard FileManager.default.fileExists(atPath: path) else {
            throw CommandFailure(.usage, "\(Escaping.visible(path)) does not exist.", "Check the path.")
        }
        guard FileCalls.isFolder(path) else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonld") }.sorted().map {
            "\(path.hasSuffix("/") ? path : path + "/")\($0)"
        }
    }
}
