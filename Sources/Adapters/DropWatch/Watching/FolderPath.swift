import CodecKit
package import DropCore
import SystemKit

/// An absolute folder path, without a slash at its end, compared byte by byte (Swift's strings compare by canonical equivalence,
/// file systems do not).
package struct FolderPath: Sendable, Hashable, CustomStringConvertible {
    package let bytes: [UInt8]

    package init(_ text: String) { self.init(bytes: Array(text.utf8)) }

    package init(bytes: [UInt8]) {
        var bytes = bytes
        while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
        self.bytes = bytes
    }

    /// As a string; nil when the bytes are not valid UTF-8.
    package var text: String? { String(validating: bytes, as: UTF8.self) }

    /// Safe to show.
    package var description: String { Escaping.visible(bytes) }

    package func appending(_ name: FileName) -> FolderPath { FolderPath(bytes: bytes + [UInt8(ascii: "/")] + name.bytes) }

    /// The components that lead from `root` to this folder: none for the root itself, nil when it is not below it.
    package func components(below root: FolderPath) -> [FileName]? {
        guard bytes.starts(with: root.bytes) else { return nil }
        let rest = bytes[root.bytes.count...]
        if rest.isEmpty { return [] }
        guard rest.first == UInt8(ascii: "/") || root.bytes == [UInt8(ascii: "/")] else { return nil }
        return rest.split(separator: UInt8(ascii: "/")).map { FileName(bytes: Array($0)) }
    }

    /// Opens the folder. Links in the path of `root` belong to the operator and are followed. Links below it may belong to a
    /// sender and are not followed.
    func open(below root: FolderPath) throws(SystemError) -> Descriptor {
        guard let rootText = root.text, let components = components(below: root) else {
            throw SystemError.missing("open", description)
        }
        var folder = try SystemCall.openFolder(rootText)
        for component in components { folder = try SystemCall.openSubfolder(component, in: folder.number) }
        return folder
    }
}
