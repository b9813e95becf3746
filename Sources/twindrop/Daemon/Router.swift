import DropCore
import DropWatch
import Foundation
import Logging
import PluginHost

/// Finds the source of a file in the drop zone's root that no source's patterns name: asks each source's plugin how sure it is.
/// A tie is no answer: the file stays, and is reported.
struct Router: Sendable {
    let sources: [SourceName]
    let host: PluginHost
    let log: Logger

    private static let headBytes = 64 << 10

    func route(_ file: UnroutedFile) -> SettledFile? {
        guard let head = head(of: file) else { return nil }
        var best: (source: SourceName, confidence: Int)?
        var isTie = false
        for source in sources {
            guard let confidence = try? host.probe(source, name: file.name, head: head), confidence > 0 else {
                continue  // A plugin that cannot run gives no answer; its source's own drops report why.
            }
            if confidence == best?.confidence { isTie = true }
            if confidence > best?.confidence ?? 0 {
                best = (source, confidence)
                isTie = false
            }
        }
        guard let best, !isTie else {
            let why = isTie ? "several sources are equally sure" : "no source's patterns name it and no plugin knows it"
            log.warning(
                "A file has no source.",
                metadata: ["file": "\(file.folder)/\(file.name)", "why": "\(why); move it into a source's folder"])
            return nil
        }
        return file.settled(for: best.source)
    }

    private func head(of file: UnroutedFile) -> [UInt8]? {
        let path = file.folder + "/" + String(decoding: file.name.bytes, as: UTF8.self)
        // Gone, or not ours to read: the watcher tells.
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        defer { handle.closeFile() }
        return (try? handle.read(upToCount: Self.headBytes)).flatMap { $0 }.map(Array.init)
    }
}
