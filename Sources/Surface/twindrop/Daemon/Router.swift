import DropCore
import DropWatch
import Foundation
import PluginHost
import SystemKit

/// Finds the source of a file that several could be meant by: asks the plugin of each that wants to be asked how sure it is. A
/// tie is no answer: the file stays, and is reported.
struct Router: Sendable {
    let host: PluginHost

    private static let headBytes = 64 << 10
    /// A plugin that is busy for longer is asked again later.
    private static let patience = Duration.seconds(2)

    @Sendable func route(_ files: [UnroutedFile]) -> [RouteAnswer] { files.map(answer) }

    private func answer(_ file: UnroutedFile) -> RouteAnswer {
        guard let head = head(of: file) else { return .later }
        var best: (sources: [SourceName], confidence: Int) = ([], 0)
        for source in file.candidates {
            do throws(DropError) {
                let confidence = try host.probe(source, name: file.name, head: head, patience: Self.patience)
                guard confidence > 0, confidence >= best.confidence else { continue }
                best = confidence == best.confidence ? (best.sources + [source], confidence) : ([source], confidence)
            } catch {
                if case .retry = error.remedy { return .later }
                // A plugin that cannot run gives no answer; its source says why.
            }
        }
        if best.sources.count == 1 { return .source(best.sources[0]) }
        if best.sources.isEmpty {
            return .nobody(
                WaitingReason(.noRoute, "No source's patterns fit \(file.name), and no plugin that was asked knows it."))
        }
        let names = best.sources.map(\.text).joined(separator: " and ")
        return .nobody(WaitingReason(.severalRoutes, "\(names) are equally sure that \(file.name) is theirs."))
    }

    private func head(of file: UnroutedFile) -> [UInt8]? {
        // Gone, or not ours to read: the watcher tells. The name is taken byte by byte: as text, another file may have it.
        guard let folder = try? System.open(file.folder, [.read, .folder]) else { return nil }
        defer { System.close(folder) }
        guard let opened = try? System.open(file.name.bytes, in: folder, [.read, .noLink, .noWaiting, .noTerminal]) else {
            return nil
        }
        let handle = FileHandle(fileDescriptor: opened, closeOnDealloc: true)
        return (try? handle.read(upToCount: Self.headBytes)).flatMap { $0 }.map(Array.init)
    }
}
