package import DropCore

/// A seal that was copied away from the archive: what the archive must still agree with (docs/archive-format.md, "Tree and
/// seals").
package struct Anchor: Sendable {
    let seal: Seal

    /// Reads the file of a seal.
    ///
    /// - Throws: `anchor`, if it cannot be read or is not a seal.
    package init(file path: String) throws(StartError) {
        let bytes: [UInt8]
        do throws(DropError) { bytes = try StorageFile(path, .read).readAll(bytesMax: Seal.fileBytesMax) } catch {
            throw StartError(
                .anchor, "The anchor cannot be read: \(error.message)",
                hint: "Give a file copied from the archive's seals folder.")
        }
        guard let seal = Seal(file: bytes) else {
            throw StartError(.anchor, "\(path) is no seal.", hint: "Give a file copied from the archive's seals folder.")
        }
        self.seal = seal
    }
}
