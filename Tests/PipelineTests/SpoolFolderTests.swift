import DropCore
import DropSpooling
import Foundation
import SocketKit
import SystemKit
import Testing
import ThreadKit
import TwinModel

/// A folder of its own for one test, removed with it.
final class Scratch {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("td-\(UUID().uuidString.prefix(8))").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct `The spool` {
    let scratch: Scratch
    let spool: SpoolFolder
    let id = DropID(high: 5, low: 6)
    let day = UTCDay(milliseconds: 1_795_000_000_000)

    init() throws {
        scratch = try Scratch()
        spool = try SpoolFolder(state: scratch.path)
        try Data("abc".utf8).write(to: URL(fileURLWithPath: spool.path(of: id)))
    }

    @Test func `knows the SHA-256 of its files`() throws {
        // The test vector of FIPS 180-4, appendix B.1.
        #expect(try spool.digest(of: id).description == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    }

    @Test func `moves bytes into quarantine beside the reason, and back as a new drop`() throws {
        try spool.quarantine(id, on: day, reason: ["code": "refused"])
        #expect(!spool.contains(id))
        #expect(spool.isQuarantined(id, on: day))
        let copy = DropID(high: 9, low: 9)
        try spool.requeueFromQuarantine(id, on: day, as: copy)
        #expect(try spool.digest(of: copy).description.hasPrefix("ba7816bf"))
        #expect(spool.isQuarantined(id, on: day))
    }

    @Test func `puts into quarantine again what a crash left half moved`() throws {
        try spool.quarantine(id, on: day, reason: ["code": "refused"])
        try spool.quarantine(id, on: day, reason: ["code": "refused"])
        #expect(spool.isQuarantined(id, on: day))
    }

    @Test func `removes what is there and minds nothing that is not`() throws {
        try spool.remove([id, DropID(high: 1, low: 1)])
        #expect(!spool.contains(id))
    }

    @Test func `reads a file again where the medium fails once or twice`() throws {
        let fault = SystemFaults.Fault("read", spool.path(of: id), number: EIO, times: 2)
        #expect(try SystemFaults.during(fault) { try spool.digest(of: id) }.description.hasPrefix("ba7816bf"))
    }

    @Test func `refuses the file that the medium never gives`() {
        let fault = SystemFaults.Fault("read", spool.path(of: id), number: EIO, times: 3)
        let error = #expect(throws: DropError.self) { try SystemFaults.during(fault) { try spool.digest(of: id) } }
        #expect(error?.code == .unreadable)
        #expect(error?.remedy == .quarantine)
    }

    @Test func `waits where there is no room, and leaves nothing behind`() {
        let fault = SystemFaults.Fault("fsync", spool.path(of: id) + ".tmp", number: ENOSPC)
        let error = #expect(throws: DropError.self) { try SystemFaults.during(fault) { try spool.fill(id) { _ in } } }
        #expect(error?.code == .diskFull)
        #expect(!FileManager.default.fileExists(atPath: spool.path(of: id) + ".tmp"))
        #expect(spool.contains(id), "the file that was there")
    }

    @Test func `names the file it cannot open`() {
        let error = #expect(throws: DropError.self) { try spool.digest(of: DropID(high: 1, low: 1)) }
        #expect(error?.message.contains(DropID(high: 1, low: 1).description) == true)
    }
}

@Suite struct `What is no plain file in the spool` {
    @Test(arguments: ["FIFO", "folder", "link"]) func `is never opened, and never waited for`(kind: String) throws {
        let scratch = try Scratch()
        let spool = try SpoolFolder(state: scratch.path)
        let drop = DropID(high: 1, low: 2)
        let path = spool.path(of: drop)
        switch kind {
        case "FIFO": _ = unsafe mkfifo(path, 0o600)
        case "folder": try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        default: try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
        }
        #expect(!spool.contains(drop))
        let error = #expect(throws: DropError.self) { try spool.digest(of: drop) }
        #expect(error?.code == ByteLoss.missing && error?.remedy == .quarantine)
        #expect(error?.message.contains("not a plain file") == true)
        if kind == "folder" { #expect(throws: Never.self) { try spool.remove([drop]) } }
    }
}

@Suite struct `The lock of a home` {
    @Test func `is refused to a second instance although its file was removed`() throws {
        let scratch = try Scratch()
        let first = try HomeLock(state: scratch.path)
        #expect(HomeLock.isHeld(state: scratch.path))
        try FileManager.default.removeItem(atPath: scratch.path + "/lock")
        #expect(HomeLock.isHeld(state: scratch.path))
        let error = #expect(throws: DropError.self) { _ = try HomeLock(state: scratch.path) }
        #expect(error?.code == .locked)
        withExtendedLifetime(first) {}
    }

    @Test func `is seen to be free without being taken`() throws {
        let scratch = try Scratch()
        #expect(!HomeLock.isHeld(state: scratch.path))
        do { try HomeLock(state: scratch.path).release() }
        #expect(!HomeLock.isHeld(state: scratch.path))
    }

    @Test func `is refused to a second instance, which is told who holds it`() throws {
        let scratch = try Scratch()
        let first = try HomeLock(state: scratch.path)
        let error = #expect(throws: DropError.self) { _ = try HomeLock(state: scratch.path) }
        #expect(error?.code == .locked)
        #expect(error?.message.contains(String(ProcessInfo.processInfo.processIdentifier)) == true)
        withExtendedLifetime(first) {}
    }

    @Test func `tells a clean end from a crash`() throws {
        let scratch = try Scratch()
        do { try HomeLock(state: scratch.path).release() }
        do {
            let second = try HomeLock(state: scratch.path)
            #expect(!second.wasUnclean)
        }
        let third = try HomeLock(state: scratch.path)
        #expect(third.wasUnclean)
        #expect(!third.wasRebooted)
        #expect(third.truncation.doubted == [])
    }

    @Test func `doubts what was written when the machine went down, in later runs as well`() throws {
        let scratch = try Scratch()
        try Data("17 another-boot running\n".utf8).write(to: URL(fileURLWithPath: scratch.path + "/lock"))
        let alive = UInt64(Date(timeIntervalSince1970: 1_700_000_000).timeIntervalSince1970) * 1000
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1_700_000_000)], ofItemAtPath: scratch.path + "/lock")
        #expect(HomeLock.truncation(state: scratch.path).doubted.map(\.lowerBound) == [alive - 60_000])
        var doubted: [Range<UInt64>] = []
        do {
            let first = try HomeLock(state: scratch.path)
            doubted = first.truncation.doubted
            #expect(first.wasUnclean && first.wasRebooted)
            #expect(doubted.map(\.lowerBound) == [alive - 60_000])
            #expect(doubted[0].upperBound > alive && doubted[0].upperBound < UInt64(Date().timeIntervalSince1970 * 1000))
        }
        do { try HomeLock(state: scratch.path).release() }
        let third = try HomeLock(state: scratch.path)
        #expect(!third.wasUnclean && third.truncation.doubted == doubted)
    }
}

@Suite struct `Local sockets` {
    @Test func `carry lines both ways and know the caller`() throws {
        let scratch = try Scratch()
        let listener = try LocalListener(at: scratch.path + "/s")
        let server = NamedThread("server") {
            while let connection = listener.accept() {
                while let line = connection.readLine() { _ = connection.write(line: "\(line) from \(connection.peerUser!)") }
            }
        }
        do {
            let connection = try LocalConnection(connectingTo: scratch.path + "/s")
            let isSent = connection.write(line: "one") && connection.write(line: "two")
            let answers = [connection.readLine(), connection.readLine()]
            #expect(isSent)
            #expect(answers == ["one from \(getuid())", "two from \(getuid())"])
        }
        listener.stop()
        server.join()
    }

    @Test func `say when nobody listens`() throws {
        let scratch = try Scratch()
        let error = #expect(throws: SystemError.self) { _ = try LocalConnection(connectingTo: scratch.path + "/none") }
        #expect(error?.isAbsent == true)
    }
}
