import DropCore
import TwinModel

/// Compares one container with its records.
struct ContainerCheck {
    private let places: ArchivePlaces
    private let record: ChainRecord
    private let drops: [ChainRecord]
    private let name: String

    init(_ places: ArchivePlaces, _ record: ChainRecord, _ drops: [ChainRecord]) {
        self.places = places
        self.record = record
        self.drops = drops
        name = record.container ?? ""
    }

    func run(full: Bool) throws(DropError) -> [VerifyFinding] {
        guard ArchivePlaces.parts(ofContainer: name) != nil else { return [finding(.recordAltered, "names no container")] }
        let path = places.path(of: name)
        guard try Storage.exists(path) else { return [finding(.containerMissing, "is missing, with \(contents)")] }
        var findings: [VerifyFinding] = []
        let digest: ContentDigest
        do throws(DropError) {
            let file = try StorageFile(path, .read)
            // The record has the size, so a much larger file is not read for hours to find that out.
            if let bytes = record.bytes, case let size = try file.size(), size > bytes &+ Self.readBesides {
                return [
                    finding(
                        .containerAltered,
                        "is not the file that was archived: it has \(size) bytes, and that one \(bytes); it held \(contents)")
                ]
            }
            digest = try StreamHash.digest(of: file)
        } catch {
            guard error.remedy == .stop else { throw error }
            return [finding(.containerAltered, "is not the file that was archived (\(error.message)); it held \(contents)")]
        }
        if digest != record.sha256 {
            findings.append(finding(.containerAltered, "is not the file that was archived; it holds \(contents)"))
        }
        // Members are also checked when only the compressed file was changed, so that the finding names the damaged drops.
        if full || !findings.isEmpty { findings += try members(path) }
        return findings
    }

    /// How much more than was archived is still read, to find the damaged drops. Units: bytes.
    private static let readBesides: UInt64 = 256 << 20

    private func members(_ path: String) throws(DropError) -> [VerifyFinding] {
        let expanded = drops.reduce(UInt64(0)) { $0 &+ ($1.bytes ?? 0) &+ 1 << 20 }
        let read: ContainerContents
        do throws(DropError) {
            read = try ContainerContents(
                path: path, expandedBytesMax: expanded, membersMax: drops.count * 2, keepsHeaders: true)
        } catch {
            guard error.remedy == .stop else { throw error }
            return [finding(.containerDamaged, "cannot be read to its end (\(error.message))")]
        }
        let found = Dictionary(read.members.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var expected = 0
        var findings: [VerifyFinding] = []
        for drop in drops {
            guard let id = drop.drop, let source = drop.source, let member = drop.member else { continue }
            let header = MemberName.header(id, source)
            expected += drop.same == nil ? 2 : 1
            if found[header]?.digest != drop.header { findings.append(altered(header, id)) }
            // Text that is not JSON has no format.
            if let text = read.headers[header], (try? JSON(parsing: text))?["format"] != 1 {
                findings.append(
                    VerifyFinding(
                        .formatUnknown, "\(name): \(header) is of no format that this version knows (format 1).",
                        record: record.index, container: name, drop: id))
            }
            guard drop.same == nil else { continue }
            if found[member]?.digest != drop.content || found[member]?.bytes != drop.bytes {
                findings.append(altered(member, id))
            }
        }
        if read.members.count != expected {
            findings.append(finding(.memberCount, "has \(read.members.count) members in place of \(expected)"))
        }
        return findings
    }

    private var contents: String {
        let names = drops.prefix(3).compactMap { $0.drop?.description }.joined(separator: ", ")
        return drops.count > 3 ? "\(drops.count) drops: \(names), …" : "drop \(names)"
    }

    private func altered(_ member: String, _ drop: DropID) -> VerifyFinding {
        VerifyFinding(
            .memberAltered, "\(name): \(member) is missing, or not what was archived.", record: record.index, container: name,
            drop: drop)
    }

    private func finding(_ code: VerifyFinding.Code, _ what: String) -> VerifyFinding {
        VerifyFinding(code, "\(name) \(what).", record: record.index, container: name)
    }
}
