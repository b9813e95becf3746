import CodecKit
package import DropCore
import DropWatch
import HomeConfiguration
package import TwinModel
package import TwinStore

/// A landing folder that a person had taken over as it is: `twindrop source adopt`.
package struct FolderAdoption: Sendable, Equatable {
    /// Nil for the drop zone itself.
    package let sourceName: SourceName?
    /// Absolute.
    package let folder: String
    /// The instance whose it was; nil where nobody's owner file was in it.
    package var formerOwner: String?
    /// It was ours before, and stays as it is.
    package var wasOurs = false
    /// Whose act it was, and the reason given.
    package let who: Person
    package let reason: String?

    /// What the act's record says beside its source.
    package var facts: [JSON.Member] { [.init("folder", .string(Escaping.visible(folder)))] }

    /// Takes over the folder of one source; of all, where it is nil, those that a daemon would refuse.
    ///
    /// - Parameters:
    ///   - whileInUse: also what another instance serves at this moment.
    ///   - record: writes the act down, before the folder is touched: what a person did is never without a record. A
    ///   crash between the two leaves the record of a folder that is still refused, and says so.
    package static func perform(
        _ home: Home, _ store: TwinStore, _ source: SourceName?, whileInUse: Bool = false, by who: Person,
        because reason: String?, record: (FolderAdoption) throws(DropError) -> Void
    ) throws(DropError) -> [FolderAdoption] {
        let ownership = FolderOwnership(
            instance: try store.facts.instanceID(), stateFolder: home.paths.state, homeFolder: home.paths.home)
        var folders: [(source: SourceName?, path: String)] = []
        for one in home.configuration.sources where source == nil || one.name == source {
            if !folders.contains(where: { $0.path == one.watched.folder }) { folders.append((one.name, one.watched.folder)) }
        }
        if source == nil {
            folders.append((nil, home.paths.dropzone))
            // What is refused for its permissions, or is not there, cannot be taken over either, and says so in `status`.
            folders = folders.filter { folder in
                guard let refusal = ownership.refusal(of: folder.path, for: folder.source?.text) else { return false }
                return refusal.code == .folderOwned || refusal.code == .folderUnmounted
            }
        }
        for (_, path) in folders where !whileInUse {
            if let refusal = try ownership.refusalInUse(path, for: source?.text) { throw refusal }
        }
        var adopted: [FolderAdoption] = []
        for (name, path) in folders {
            var one = FolderAdoption(sourceName: name, folder: path, formerOwner: nil, who: who, reason: reason)
            // An act that changes nothing is none.
            let wasOurs = ownership.isOurs(path)
            if !wasOurs { try record(one) }
            switch try ownership.adopt(path) {
            case .over(let owner): one.formerOwner = owner
            case .wasOurs: one.wasOurs = true
            case .taken, .again: break
            }
            if wasOurs, !one.wasOurs { try record(one) }  // Somebody took it in between.
            adopted.append(one)
        }
        return adopted
    }

    package static func json(_ adopted: [FolderAdoption]) -> JSON {
        .array(
            adopted.map { one in
                [
                    "source": one.sourceName.map { .string($0.text) } ?? .null, "folder": .string(one.folder),
                    "formerOwner": one.formerOwner.map { .string(Escaping.visible($0, scalarsMax: 64)) } ?? .null,
                    "wasOurs": .bool(one.wasOurs), "who": .string(one.who.description),
                    "reason": one.reason.map { .string($0) } ?? .null,
                ]
            })
    }
}
