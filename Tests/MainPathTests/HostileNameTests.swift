import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `A hostile file name` {
    private static let names: [[UInt8]] = [
        Array("new\nline.csv".utf8), Array("esc\u{1B}[31mred.csv".utf8), Array("bidi\u{202E}vsc.csv".utf8),
        Array("bad\u{FF}".utf8).dropLast(2) + [0xFF, 0xC3] + Array(".csv".utf8),
        Array(repeating: UInt8(ascii: "n"), count: 251) + Array(".csv".utf8), Array("-rf.csv".utf8), Array("a..csv".utf8),
        Array("%2e%2e%2fetc%2fpasswd.csv".utf8), Array("C:\\..\\..\\x.csv".utf8), Array("$(reboot);`id`'\".csv".utf8),
        Array(" leading and trailing .csv ".utf8), Array("e\u{301}.csv".utf8), Array("\u{E9}.csv".utf8),
    ]

    /// A home in which each of the names was dropped and processed, with the bytes of each.
    private static func processed() throws -> (home: Home, contents: [String]) {
        let home = try Home(Sample.sources)
        let folder = home.path + "/dropzone/assets"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var contents: [String] = []
        for (index, name) in names.enumerated() {
            let text = Sample.assets(index...index)
            let from = try home.file("plain\(index).csv", text)
            let target = Array((folder + "/").utf8) + name + [0]
            let moved = unsafe target.withUnsafeBufferPointer { bytes in
                unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe rename(from, $0.baseAddress!) }
            }
            #expect(moved == 0)
            contents.append(text)
        }
        let ended = try home.run("run", "--once")
        #expect(ended.code == 0, "\(ended.err)")
        expectHarmless(ended)
        return (home, contents)
    }

    /// Nothing on a terminal but letters, signs and line ends.
    private static func expectHarmless(_ ended: Program.Ended) {
        for text in [ended.out, ended.err] {
            let bad = text.unicodeScalars.filter {
                $0 != "\n"
                    && ($0.value < 0x20 || $0.value == 0x7F || $0.properties.generalCategory == .format || $0 == "\u{FFFD}")
            }
            #expect(bad.isEmpty, "\(bad.map { String($0.value, radix: 16) })")
        }
    }

    @Test func `goes the whole way, and is listed escaped`() throws {
        let (home, contents) = try Self.processed()
        let drops = try home.list("drops")
        #expect(drops.count == contents.count)
        #expect(drops.allSatisfy { $0["state"] == "done" })
        let names = Set(drops.compactMap { $0["file"]?.string })
        let spellings = Set(drops.compactMap { $0["file"]?.string.map { Array($0.utf8) } })
        #expect(spellings.count == contents.count)
        #expect(
            names.isSuperset(of: ["new\\u{a}line.csv", "esc\\u{1b}[31mred.csv", "bidi\\u{202e}vsc.csv", "-rf.csv", "a..csv"]))
        for command in [["drops"], ["archive", "list"], ["batches"], ["status"], ["history", "asset-FL-0"]] {
            Self.expectHarmless(try Program.run(Program.twindrop, command + ["--home", home.path]))
        }
        for drop in drops { Self.expectHarmless(try home.run("show", drop["drop"]?.string ?? "")) }
        #expect(try home.run("verify", "--full").code == 0)
    }

    @Test func `is never a path of an extracted file`() throws {
        let (home, contents) = try Self.processed()
        let before = Set(home.names(in: "")).union(["evidence"])
        var found: [String] = []
        for drop in try home.list("archive", "list") {
            let id = try #require(drop["drop"]?.string)
            let path = try #require(try home.ask("archive", "extract", id, "--into", home.path + "/evidence")["path"]?.string)
            #expect(path.hasPrefix(home.path + "/evidence/"))
            found.append(try String(contentsOfFile: path, encoding: .utf8))
        }
        #expect(found.sorted() == contents.sorted())
        #expect(Set(home.names(in: "")) == before)
        #expect(home.names(in: "evidence").count == contents.count)
        let safe = home.names(in: "evidence") + home.names(in: "receipts/assets")
        #expect(safe.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } && $0.utf8.count <= 255 && !$0.hasPrefix("-") })
    }

    /// Makes a file in a folder, under a name that is given by its bytes.
    private static func lay(_ name: [UInt8], in folder: String, _ home: Home) throws {
        let from = try home.file("plain.csv", Sample.assets(name.count...name.count))
        let target = Array((folder + "/").utf8) + name + [0]
        let moved = unsafe target.withUnsafeBufferPointer { bytes in
            unsafe bytes.withMemoryRebound(to: CChar.self) { unsafe rename(from, $0.baseAddress!) }
        }
        #expect(moved == 0)
    }

    @Test func `that is no UTF-8 is asked about as it is shown, and never taken for another`() throws {
        let home = try Home(Sample.sources)
        let folder = home.path + "/dropzone/assets"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let missing = try home.run("why", folder + "/bad\\xff.csv")
        #expect(missing.code == 64, "\(missing.out)\(missing.err)")
        try Self.lay(Array("bad".utf8) + [0xFF] + Array(".csv".utf8), in: folder, home)
        for word in [folder + "/bad\\xff.csv", "bad\\xff.csv"] {
            let told = try home.ask("why", word)
            #expect(told["file"]?.string?.hasSuffix("/bad\\xff.csv") == true, "\(told)")
            #expect(told["source"] == "assets")
        }
        // Swift's text of both words would be the same as that of this file's name.
        try Self.lay(Array("bad\u{FFFD}.csv".utf8), in: folder, home)
        let line = "exec \(Program.twindrop) why --home \(home.path) \"\(folder)/bad$(printf '\\377').csv\""
        let raw = try Program.run("/bin/sh", ["-c", line])
        #expect(raw.code == 64 && raw.out.isEmpty && raw.err.contains("bad\\xff.csv"), "\(raw.out)\(raw.err)")
        Self.expectHarmless(raw)
        // A file may be called what another's name is shown as.
        try Self.lay(Array("bad\\xff.csv".utf8), in: folder, home)
        let unclear = try home.run("why", folder + "/bad\\xff.csv")
        #expect(unclear.code == 64 && unclear.err.contains("another's name is shown so"), "\(unclear.err)")
        #expect(try home.run("run", "--once").code == 0)
        let both = try home.run("show", "bad\\xff.csv")
        #expect(both.code == 1 && both.err.contains("Give the id"), "\(both.out)\(both.err)")
    }
}
