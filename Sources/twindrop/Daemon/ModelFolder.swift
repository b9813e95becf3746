import DropCore
import Foundation
import TwinModel
import TwinStore

/// Models in files: those of the home, and those a command names.
enum ModelFiles {
    /// Bytes one file may have: as many as one model, for each of a few.
    private static let bytesMax = 32 << 20

    /// Every `*.json` at `path`, which is a file or a folder that is looked through; in the order of their paths. A folder that is
    /// missing has none.
    static func read(_ path: String) throws(DropError) -> [ModelDocument] {
        var documents: [ModelDocument] = []
        for file in files(path) {
            guard let data = FileManager.default.contents(atPath: file), data.count <= bytesMax else {
                throw DropError(
                    "models", "The model file \(Escaping.visible(file)) cannot be read, or has more than \(bytesMax >> 20) MiB.",
                    hint: "Check its permissions and content.", remedy: .suspendSource)
            }
            documents.append(ModelDocument(name: file, bytes: Array(data)))
        }
        return documents
    }

    private static func files(_ path: String) -> [String] {
        var isFolder: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { return [] }
        guard isFolder.boolValue else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { name in
            name.hasSuffix(".json") && !name.split(separator: "/").contains { $0.hasPrefix(".") }
        }.sorted().map { path + "/" + $0 }
    }

    /// Puts the models at `paths` into the graph, those it has already left out; the new ones.
    static func adopt(
        _ paths: [String], into store: TwinStore, by caller: Caller, isRehearsal: Bool = false
    ) throws(DropError) -> [ModelData] {
        var documents: [ModelDocument] = []
        for path in paths { documents += try read(path) }
        do throws(ServiceError) {
            return try store.adopt(documents, by: caller, isRehearsal: isRehearsal)
        } catch {
            let isOurs = error.status >= 500
            throw DropError(
                "models", error.message, hint: isOurs ? "" : "Nothing was stored. `twindrop models validate` checks files.",
                remedy: isOurs ? .stop : .suspendSource)
        }
    }
}
