import DropCore
import SystemKit
import TwinModel

/// Which landing folders this home has taken over: `landing-folders.json` in the state folder.
///
/// A list of `{"folder": PATH, "owner": ID, "mount": "state" | "other"}`; earlier versions wrote only a path, without owner and
/// mount.
struct LandingRecord: Sendable, Equatable {
    /// On which mount a folder is, as far as it matters for recognising an unmounted one.
    enum Mount: String, Sendable {
        /// On the same mount as the state folder, so it exists whenever we run.
        case state
        case other
    }

    let folder: String
    /// The instance whose owner file we wrote.
    let owner: String?
    let mount: Mount?

    static let file = FileName("landing-folders.json")

    /// A damaged list counts as empty, because it only protects against an empty mount point.
    static func read(in state: CInt) throws(SystemError) -> [LandingRecord] {
        let bytes: [UInt8]
        do {
            let file = try SystemCall.openFile(file, in: state)
            bytes = try SystemCall.contents(file.number, bytesMax: 16 << 20) ?? []
        } catch  where error.isMissing {
            return []
        }
        let json = try? JSON(parsing: bytes)
        return (json?.elements ?? []).compactMap(Self.init)
    }

    static func write(_ records: [LandingRecord], in state: CInt) throws(SystemError) {
        let temporary = FileName("landing-folders.json.tmp")
        do { try SystemCall.unlink(temporary, in: state) } catch  where error.isMissing {}
        let created = try SystemCall.createFile(temporary, in: state)
        let bytes = Array((JSON.array(records.map(\.json)).text() + "\n").utf8)
        try SystemCall.write(bytes, count: bytes.count, to: created.number)
        try SystemCall.sync(created.number, file.description)
        try SystemCall.replace(file, with: temporary, in: state)
        try SystemCall.sync(state, "state folder")
    }

    func isOf(_ path: String) -> Bool { folder.utf8.elementsEqual(path.utf8) }

    init(folder: String, owner: String?, mount: Mount?) {
        (self.folder, self.owner, self.mount) = (folder, owner, mount)
    }

    private init?(_ json: JSON) {
        if let path = json.string {
            self.init(folder: path, owner: nil, mount: nil)
        } else if let path = json["folder"]?.string {
            self.init(folder: path, owner: json["owner"]?.string, mount: json["mount"]?.string.flatMap(Mount.init))
        } else {
            return nil
        }
    }

    private var json: JSON {
        var members: [JSON.Member] = [.init("folder", .string(folder))]
        if let owner { members.append(.init("owner", .string(owner))) }
        if let mount { members.append(.init("mount", .string(mount.rawValue))) }
        return .object(members)
    }
}
