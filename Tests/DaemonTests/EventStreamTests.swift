import DropCore
import Foundation
import SystemKit
import Testing

@testable import Daemon

@Suite struct `The stream of events` {
    @Test func `has a line for each step, with the time in nanoseconds`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/events"
        let before = SystemClock.wall()
        let stream = try EventStream(path)
        stream.note(.applied, FileName("a b.csv"))
        stream.note(.archived, FileName("a b.csv"))
        let after = SystemClock.wall()
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        for (line, word) in zip(lines, ["applied", "archived"]) {
            #expect(line.hasPrefix("\(word) a b.csv "))
            let time = try #require(line.split(separator: " ").last.flatMap { Int64($0) })
            #expect(time >= Int64(before) && time <= Int64(after))
        }
    }

    /// A start that empties the file would take away what its reader has not read.
    @Test func `goes on where it ended`() throws {
        let scratch = try Scratch()
        let path = scratch.path + "/events"
        try EventStream(path).note(.applied, FileName("1"))
        try EventStream(path).note(.applied, FileName("2"))
        #expect(try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").count == 2)
    }

    @Test func `that cannot be written is said at the start`() throws {
        let scratch = try Scratch()
        do throws(StartError) {
            _ = try EventStream(scratch.path)
            Issue.record("a folder was taken for a file")
        } catch { #expect(error.code == .eventStream) }
    }
}
