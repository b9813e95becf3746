import Foundation
import ProgramKit
import Testing

/// The kept corpus of a target: inputs of our own making, and whatever broke a property once.
private enum Corpus {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    static func files(_ target: String) throws -> [URL] {
        let folder = folder.appendingPathComponent("Corpus/" + target)
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path < $1.path }
    }
}

@Suite struct `The corpus of a fuzz target` {
    @Test(arguments: FuzzTarget.allCases)
    func `holds, whole and with a byte changed`(target: FuzzTarget) throws {
        let files = try Corpus.files(target.rawValue)
        #expect(files.count >= 3, "\(target) has a corpus")
        for file in files {
            let bytes = try Array(Data(contentsOf: file))
            #expect(throws: Never.self, "\(file.lastPathComponent)") { try target.check(bytes) }
            // A few neighbours of each, always the same ones.
            for round in 0..<16 where !bytes.isEmpty {
                var changed = bytes
                let at = (round &* 0x9E37_79B1 &+ bytes.count) % bytes.count
                if round % 3 == 2 { changed.remove(at: at) } else { changed[at] = [0, 0xFF, 0x22, 0x0A, 0x80][round % 5] }
                #expect(throws: Never.self, "\(file.lastPathComponent), byte \(at), round \(round)") { try target.check(changed) }
            }
        }
    }

    @Test func `of the worker's C code holds, under two sanitizers`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "fuzz-tests-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let root = Corpus.folder.deletingLastPathComponent().deletingLastPathComponent().path
        let program = folder.appendingPathComponent("worker").path
        let compiled = try Child.run(
            "cc",
            [
                "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O1", "-g", "-fsanitize=address,undefined",
                "-fno-sanitize-recover=all", "-DREPLAY", "-I\(root)/Sources/PluginSide/CTwinDropPlugin/include",
                "-I\(root)/Sources/Adapters/CTwinDropWire/include", "-I\(root)/Sources/PluginSide/twindrop-worker", "-o", program,
                "\(Corpus.folder.path)/C/worker.c",
            ], merging: true)
        #expect(compiled.code == 0, "\(compiled.text)")
        let files = try Corpus.files("worker")
        #expect(files.count >= 3)
        let ended = try Child.run(program, files.map(\.path), merging: true)
        #expect(ended.code == 0, "\(ended.text)")
    }
}
