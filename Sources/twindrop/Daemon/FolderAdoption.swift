import DropCore
import DropWatch
import HomeConfiguration
import TwinModel
import TwinStore

/// A landing folder that a person had taken over as it is: `twindrop source adopt`.
struct FolderAdoption: Sendable, Equatable {
    /// Nil for the drop zone itself.
    let source: String?
    /// Absolute.
    let folder: String
    /// The instance whose it was; nil where nobody's owner file was in it.
    let formerOwner: String?
    /// Whose act it was, and the reason given.
    let who: String
    let why: String

    /// Takes over the folder of one source; of all, where it is nil, those that a daemon would refuse.
    static func perform(
        _ home: Home, _ store: TwinStore, _ source: SourceName?, by who: String, because why: String
    ) throws(DropError) -> [FolderAdoption] {
        let ownership = FolderOwnership(
            instance: try store.instanceID(), stateFolder: home.paths.state, homeFolder: home.paths.home)
        var folders: [(source: String?, path: String)] = []
        for one in home.configuration.sources where source == nil || one.name == source {
            if !folders.contains(where: { $0.path == one.watched.folder }) { folders.append((one.name.text, one.watched.folder)) }
        }
        if source == nil { folders.append((nil, home.paths.dropzone)) }
        var adopted: [FolderAdoption] = []
        for (name, path) in folders {
            if source == nil {
                // What is refused for its permissions, or is not there, cannot be taken over either, and says so in `status`.
                guard let refusal = ownership.refusal(of: path, for: name),
                    refusal.code == "folder-owned" || refusal.code == "folder-unmounted"
                else { continue }
            }
            var former: String?
            if case .over(let owner) = try ownership.adopt(path) { former = owner }
            adopted.append(FolderAdoption(source: name, folder: path, formerOwner: former, who: who, why: why))
        }
        return adopted
    }

    static func json(_ adopted: [FolderAdoption]) -> JSON {
        .array(
            adopted.map { one in
                [
                    "source": one.source.map { .string($0) } ?? .null, "folder": .string(one.folder),
                    "formerOwner": one.formerOwner.map { .string(Escaping.visible($0, scalarsMax: 64)) } ?? .null,
                    "who": .string(one.who), "why": .string(one.why),
                ]
            })
    }
}
