import DropCore
import Foundation
import Synchronization

/// Appends `applied NAME NS` and `archived NAME NS`, each at once: for measuring from outside (nanoseconds of CLOCK_REALTIME).
final class BenchmarkLog: Sendable {
    private let file: Mutex<FileHandle>

    init(_ path: String) throws(DropError) {
        if !FileManager.default.fileExists(atPath: path) { _ = FileManager.default.createFile(atPath: path, contents: nil) }
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw DropError("benchmark-log", "\(path) cannot be written.", hint: "Correct log.events.", remedy: .suspendSource)
        }
        handle.seekToEndOfFile()
        file = Mutex(handle)
    }

    func note(_ what: String, _ name: FileName) {
        let line = "\(what) \(name) \(WallClock.nanoseconds())\n"
        file.withLock { $0.write(Data(line.utf8)) }
    }
}
