import DropCore
import Foundation
import Testing

@testable import TwinAPI

@Suite struct `An error of the API` {
    /// The table of docs/azure-contract.md, "Errors": each word with the statuses of its row. One row has a status for each word.
    private static func documented() throws -> Set<String> {
        let page = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("docs/azure-contract.md")
        let lines = try String(contentsOf: page, encoding: .utf8).components(separatedBy: "\n")
        let begin = try #require(lines.firstIndex(of: "| status | codes |")) + 2
        var found: Set<String> = []
        for line in lines[begin...].prefix(while: { $0.hasPrefix("|") }) {
            let cells = line.components(separatedBy: "|")
            let statuses = cells[1].components(separatedBy: ",").map { $0.trimmingCharacters(in: .whitespaces) }
            let words = cells[2].components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            for word in words { for status in statuses { found.insert("\(status) \(word)") } }
        }
        return found
    }

    private static let all =
        ServiceError.Code.allCases.map { APIError($0, "") } + SurfaceCode.allCases.map { APIError($0, "") }
    /// Those that stand in the record of a job only.
    private static let ofRecords: Set<String> = ["InputUnavailable", "OutputUnavailable"]

    @Test func `has the status and the code that the contract names, whatever the reason`() throws {
        let documented = try Self.documented()
        for error in Self.all where !Self.ofRecords.contains(error.word) {
            #expect(documented.contains("\(error.status) \(error.word)"), "\(error.code)")
        }
    }

    @Test func `has every code that the contract names`() throws {
        let words = Set(Self.all.map(\.word))
        let documented = Set(try Self.documented().compactMap { $0.split(separator: " ").last.map(String.init) })
        #expect(documented.subtracting(words).sorted() == [])
    }

    @Test func `shows its code in the head and in the body`() {
        for error in Self.all {
            let answer = APIResponse.error(error)
            #expect(answer.status == error.status)
            #expect(answer.headers.contains { $0.name == "x-ms-error-code" && $0.value == error.word })
            #expect(String(decoding: answer.body, as: UTF8.self).contains("\"code\":\"\(error.word)\""))
        }
    }

    @Test func `is never one that clients repeat, where they did something wrong`() {
        let repeated: Set<Int> = [408, 429, 500, 502, 503, 504]
        for code in ServiceError.Code.allCases {
            #expect(repeated.contains(code.wire.status) == code.isOurs, "\(code)")
        }
    }

    @Test func `keeps what the service says in detail`() {
        let refusal = ServiceError(
            .validationFailed, "Invalid twin specified", details: [.init(code: .validationFailed, message: "a is no number.")])
        let answer = APIResponse.error(APIError(refusal))
        #expect(
            String(decoding: answer.body, as: UTF8.self)
                == #"{"error":{"code":"ValidationFailed","message":"Invalid twin specified","details":"#
                + #"[{"code":"ValidationFailed","message":"a is no number."}]}}"#)
    }
}
