import DropCore
import Foundation
import HomeReports
import Testing
import TwinModel

@testable import Daemon

/// A folder that goes with the test; its path is short, for a socket's has a limit.
final class Scratch {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("td-\(UUID().uuidString.prefix(8))").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite struct `A control socket` {
    @Test func `gives the handler's answer to who asks`() throws {
        let scratch = try Scratch()
        let server = try ControlServer(at: scratch.path + "/s") { act, request, _ throws(CommandFailure) in
            ["act": .string(act), "file": request["file"] ?? .null]
        }
        defer { server.stop() }
        let answer = try ControlClient.ask(scratch.path + "/s", ["do": "why", "file": "a b.csv"])
        #expect(answer == ["act": "why", "file": "a b.csv"])
    }

    /// A failure that lost its code on the way would let a command end with 0, or with another code than without a daemon.
    @Test func `hands a failure on, with its sentence, its hint and its exit code`() throws {
        let scratch = try Scratch()
        let server = try ControlServer(at: scratch.path + "/s") { _, _, _ throws(CommandFailure) in
            throw CommandFailure(DropError(.locked, "Another has it.", hint: "Wait.", remedy: .stop))
        }
        defer { server.stop() }
        do throws(CommandFailure) {
            _ = try ControlClient.ask(scratch.path + "/s", ["do": "retry"])
            Issue.record("the failure got lost")
        } catch {
            #expect(error.code == .locked)
            #expect(error.lines == ["Another has it.", "Wait."])
        }
    }

    @Test func `refuses what is no request`() throws {
        let scratch = try Scratch()
        let server = try ControlServer(at: scratch.path + "/s") { _, _, _ throws(CommandFailure) in .null }
        defer { server.stop() }
        do throws(CommandFailure) {
            _ = try ControlClient.ask(scratch.path + "/s", ["undo": "all"])
            Issue.record("it was answered")
        } catch { #expect(error.code == .usage) }
    }

    @Test func `that is not there is no daemon, and no failure`() throws {
        let scratch = try Scratch()
        #expect(try ControlClient.ask(scratch.path + "/s", ["do": "ping"]) == nil)
    }
}
