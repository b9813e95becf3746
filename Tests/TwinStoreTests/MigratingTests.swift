import DropCore
import Foundation
import GRDB
import Glibc
import ProgramKit
import Testing

@testable import TwinStore

/// A folder with a database of an older schema, which holds one applied drop.
private final class OldHome {
    let folder: String
    var path: String { folder + "/twin.db" }

    init(schema: Int) throws {
        var template = Array("/tmp/twinstore-old-XXXXXX".utf8CString)
        folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
        try change { database in
            for step in StoreSchema.migrations[..<schema] where !step.isEmpty { try database.execute(sql: step) }
            try database.execute(
                sql: """
                    INSERT INTO drops(no, id, source, file_name, bytes, state, claimed_at, changed_at, device, inode, change_time,
                        released) VALUES(1, '01M7ZQ4N7THS10QFJ8VT4TKGEX', 'erp', x'61', 1, 'clean', 5, 6, 1, 2, 3, 0);
                    INSERT INTO drop_commit(sequence, drop_no, time, first_revision) VALUES(1, 1, 6, 1);
                    """)
            try database.execute(sql: "PRAGMA user_version = \(schema)")
        }
    }

    deinit {
        for name in names { if unsafe unlink(folder + "/" + name) != 0 { _ = unsafe rmdir(folder + "/" + name) } }
        _ = unsafe rmdir(folder)
    }

    var names: [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                unsafe String(cString: UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self))
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    func change(_ body: (Database) throws -> Void) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try body($0) }
        try queue.close()
    }

    /// What the database at `name` says of itself: schema, tables, drops.
    func facts(of name: String = "twin.db") throws -> (schema: Int, tables: [String], drops: Int) {
        try Self.facts(folder + "/" + name)
    }

    static func facts(_ path: String) throws -> (schema: Int, tables: [String], drops: Int) {
        let queue = try DatabaseQueue(path: path)
        defer { try? queue.close() }
        return try queue.read { database in
            (
                try Int.fetchOne(database, sql: "PRAGMA user_version")!,
                try String.fetchAll(database, sql: "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"),
                try Int.fetchOne(database, sql: "SELECT count(*) FROM drops LEFT JOIN drop_commit ON drop_no = drops.no")!
            )
        }
    }
}

@Suite struct `A database of an older schema` {
    @Test(arguments: [1, 2, 4])
    func `is brought up to date, and kept as it was`(schema: Int) throws {
        let home = try OldHome(schema: schema)
        let before = try home.facts()
        let store = try TwinStore.open(folder: home.folder)
        #expect(try store.register.drops(in: [.done]).map(\.fileName) == [FileName("a")])
        try store.close()
        #expect(try home.facts().schema == StoreSchema.version)
        let kept = try home.facts(of: "twin.db.schema-\(schema)")
        #expect(kept == before && kept.drops == 1)
        // The next start finds nothing to do.
        unsafe unlink(home.path + ".schema-\(schema)")
        try TwinStore.open(folder: home.folder).close()
        #expect(!home.names.contains { $0.hasPrefix("twin.db.schema") })
    }

    @Test func `stays as it was where a step fails, and can be tried again`() throws {
        let home = try OldHome(schema: 1)
        // In the way of the second step; the first has dropped a table by then.
        try home.change { try $0.execute(sql: "CREATE INDEX drops_set_aside ON drops(no)") }
        let before = try home.facts()
        #expect(throws: DropError.self) { try TwinStore.open(folder: home.folder) }
        #expect(try home.facts() == before)
        try home.change { try $0.execute(sql: "DROP INDEX drops_set_aside") }
        try TwinStore.open(folder: home.folder).close()
        #expect(try home.facts().schema == StoreSchema.version)
        #expect(try home.facts(of: "twin.db.schema-1") == before)
    }

    @Test func `is not touched where no copy can be made of it`() throws {
        let home = try OldHome(schema: 4)
        let before = try home.facts()
        unsafe mkdir(home.path + ".schema-4.tmp", 0o700)
        let error = #expect(throws: DropError.self) { try TwinStore.open(folder: home.folder) }
        #expect(error?.message.contains("has schema 4 and could not be copied") == true, "\(String(describing: error))")
        #expect(error?.hint.hasPrefix("Nothing was changed.") == true)
        #expect(try home.facts() == before)
    }

    /// At twelve moments spread over a start that upgrades; the start after that makes of it what an undisturbed one does.
    @Test func `is old or new as a whole where the upgrade is killed, and upgraded by the next start`() throws {
        let old = try OldHome(schema: 1)
        try old.change { database in
            try database.execute(
                sql: """
                    WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 50000)
                    INSERT INTO drops(no, id, source, file_name, bytes, state, claimed_at, changed_at, device, inode,
                        change_time, released) SELECT i, printf('%026d', i), 'erp', x'61', 1, 'clean', 5, 6, 1, i, 3, 0 FROM n
                    """)
        }
        let before = try old.facts()
        let files = FileManager.default
        let home = files.temporaryDirectory.appendingPathComponent("twinstore-killed-\(getpid())").path
        let path = home + "/state/twin.db"
        defer { try? files.removeItem(atPath: home) }
        /// Starts on a fresh home, is killed after so many seconds; how it ended, and after how long.
        func start(killedAfter seconds: Double) throws -> (code: CInt, seconds: Double) {
            try? files.removeItem(atPath: home)
            try files.createDirectory(atPath: home + "/state", withIntermediateDirectories: true)
            try Data("sources:\n  assets: {plugin: asset-inventory}\n".utf8).write(
                to: URL(fileURLWithPath: home + "/twindrop.yaml"))
            try files.copyItem(atPath: old.path, toPath: path)
            let begun = ContinuousClock.now
            let child = try Child(BuiltPrograms.path("twindrop"), ["run", "--once", "--home", home])
            if child.wait(seconds: seconds) == nil { child.send(SIGKILL) }
            let code = try #require(child.wait(seconds: 60))
            return (code, (ContinuousClock.now - begun) / .seconds(1))
        }
        let whole = try start(killedAfter: 60)
        #expect(whole.code == 0)
        let after = try OldHome.facts(path)
        #expect(after.schema == StoreSchema.version && after.drops == before.drops)
        var found: Set<Int> = []
        for moment in 1...12 {
            // The upgrade is early in a start, and the whole one may have been slow.
            _ = try start(killedAfter: whole.seconds * Double(moment * moment) / 144)
            let now = try OldHome.facts(path)
            #expect(now == before || now == after)
            found.insert(now.schema)
            if files.fileExists(atPath: path + ".schema-1") { #expect(try OldHome.facts(path + ".schema-1") == before) }
            let next = try Child.run(BuiltPrograms.path("twindrop"), ["run", "--once", "--home", home], merging: true)
            #expect(next.code == 0, "\(next.text)")
            #expect(try OldHome.facts(path) == after)
            #expect(try OldHome.facts(path + ".schema-1") == before)
        }
        #expect(found.count == 2, "no kill came before the upgrade, or none after it")
    }

    @Test func `is refused where a newer version wrote it`() throws {
        let home = try OldHome(schema: 4)
        try home.change { try $0.execute(sql: "PRAGMA user_version = 99") }
        let error = #expect(throws: DropError.self) { try TwinStore.open(folder: home.folder) }
        #expect(error?.hint.hasPrefix("A newer version wrote it") == true)
        #expect(try home.facts().schema == 99)
    }
}
