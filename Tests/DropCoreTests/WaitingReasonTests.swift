import DropCore
import Foundation
import Testing

@Suite struct `The reasons to wait` {
    @Test(arguments: WaitingReason.Code.allCases) func `each have a sentence and a step`(code: WaitingReason.Code) {
        #expect(code.sentence.hasSuffix(".") && code.step.hasSuffix("."))
        #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "-" })
        let reason = WaitingReason(code)
        #expect(reason.message == code.sentence && reason.hint == code.step)
    }

    @Test(arguments: WaitingReason.Code.allCases)
    func `are in the documents as they are in the code`(code: WaitingReason.Code) throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let text = try String(contentsOf: root.appendingPathComponent("docs/configuration.md"), encoding: .utf8)
        let look =
            switch code.attention {
            case .never: "never"
            case .whenOld: "after 15 min"
            case .atOnce: "at once"
            }
        #expect(text.contains("| \(code.rawValue) | \(look) | \(code.sentence) | \(code.step) |"))
    }

    @Test func `need a person at once, when they have lasted, or never`() {
        #expect(WaitingReason(.unmatchedName).needsPerson(after: .zero))
        #expect(!WaitingReason(.writer).needsPerson(after: .seconds(899)))
        #expect(WaitingReason(.writer).needsPerson(after: .seconds(900)))
        #expect(!WaitingReason(.queued).needsPerson(after: .seconds(90_000)))
    }

    @Test func `are made of errors by their codes`() {
        let error = DropError(.folderOwned, "It is another's.", hint: "Ask.", remedy: .suspendSource)
        #expect(WaitingReason(error) == WaitingReason(.folderOwned, "It is another's.", hint: "Ask."))
        #expect(WaitingReason(DropError(.limit, "x", hint: "y", remedy: .stop)).code == .unreadable)
    }
}
