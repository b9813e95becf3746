import DropCore
import DropSpooling
import Foundation
import Glibc
import Testing

@testable import Pipeline

@Suite struct `Drops in hand` {
    private let folder: String

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("in-hand-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func drop(_ number: UInt64) -> DropID { DropID(high: 7, low: number) }

    /// A run that works on `drops` and ends by the signal `number`; 0: by a kill, which leaves no word.
    private func run(_ drops: [DropID], ending number: UInt32, wasUnclean: Bool = true) throws -> InHandFile {
        let file = try InHandFile(state: folder, wasUnclean: wasUnclean, wasRebooted: false)
        for drop in drops { file.take(drop) }
        let descriptor = unsafe open(folder + "/in-hand", O_RDWR)
        defer { close(descriptor) }
        var number = number
        #expect(unsafe pwrite(descriptor, &number, 4, 8) == 4)
        return file
    }

    @Test func `at two faults in a row are the culprits, those at one of them are suspects`() throws {
        #expect(try run([drop(1), drop(2)], ending: 4, wasUnclean: false).suspects.isEmpty)
        let second = try run([drop(2), drop(3)], ending: 4)
        #expect(second.suspects == [drop(1), drop(2)] && second.culprits.isEmpty)
        let third = try InHandFile(state: folder, wasUnclean: true, wasRebooted: false)
        #expect(third.culprits == [drop(2)])
        #expect(third.suspects == [drop(1), drop(2), drop(3)])
    }

    @Test func `are not to blame for kills, power cuts and clean ends`() throws {
        _ = try run([drop(1)], ending: 0, wasUnclean: false)
        _ = try run([drop(1)], ending: 0)
        #expect(try run([drop(1)], ending: 4).suspects.isEmpty)
        #expect(try InHandFile(state: folder, wasUnclean: true, wasRebooted: true).suspects.isEmpty)
        _ = try run([drop(1)], ending: 4)
        #expect(try InHandFile(state: folder, wasUnclean: false, wasRebooted: false).suspects.isEmpty)
    }

    @Test func `that came to an end are suspected no more`() throws {
        let first = try run([drop(1), drop(2)], ending: 4, wasUnclean: false)
        first.put(drop(1))
        let second = try run([], ending: 0)
        #expect(second.suspects == [drop(2)])
        second.put(drop(2))
        #expect(try InHandFile(state: folder, wasUnclean: true, wasRebooted: false).suspects.isEmpty)
    }

    @Test func `that are suspected go alone`() {
        var caution = Caution()
        caution.suspects = [drop(1)]
        let others = [caution.admits(drop(2), isQuiet: false), caution.admits(drop(1), isQuiet: false)]
        #expect(others == [true, false])
        #expect(!caution.maySearch(isQuiet: false) && caution.maySearch(isQuiet: true))
        let alone = [caution.admits(drop(1), isQuiet: true), caution.admits(drop(2), isQuiet: true)]
        #expect(alone == [true, false] && !caution.maySearch(isQuiet: true))
        caution.ended(drop(1))
        let after = caution.admits(drop(1), isQuiet: false)
        #expect(after)
    }
}
