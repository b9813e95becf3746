import DropCore
import HomeReports
import Logging
import Testing
import TwinModel

@Suite struct `A fact of a log line` {
    @Test func `is a number or a flag in JSON where it is one`() {
        #expect(LogLines.json(.number(Int(7))) == .int(7))
        #expect(LogLines.json(.number(UInt64.max)) == .int(Int64.max))
        #expect(LogLines.json(.number(0.5)) == .double(0.5))
        #expect(LogLines.json(.stringConvertible(true)) == .bool(true))
        #expect(LogLines.json("7") == .string("7"))
    }

    /// A value without quotes that has a blank or a sign of its own would end early, or begin another fact.
    @Test(arguments: [
        ("plain.csv", "plain.csv"), ("a b", "\"a b\""), ("", "\"\""), ("a=b", "\"a=b\""), ("a\nb", "\"a\\nb\""),
        ("say \"x\"", "\"say \\\"x\\\"\""),
    ])
    func `stands in quotes in text where its end could not be told`(value: String, shown: String) {
        #expect(LogLines.text(value) == shown)
    }
}

@Suite struct `The exit code of a failure` {
    @Test func `says whose turn it is`() {
        func code(_ error: DropError.Code, _ remedy: DropError.Remedy) -> CommandFailure.Code {
            CommandFailure(DropError(error, "No.", hint: "", remedy: remedy)).code
        }
        #expect(code(.locked, .stop) == .locked)
        #expect(code(.noDrop, .stop) == .negative)
        #expect(code(.database, .stop) == .storage)
        #expect(code(.settings, .suspendSource) == .usage)
        #expect(code(.receipt, .quarantine) == .negative)
    }

    @Test func `leaves empty hints out`() {
        #expect(CommandFailure(DropError(.receipt, "No.", hint: "", remedy: .quarantine)).lines == ["No."])
    }
}
