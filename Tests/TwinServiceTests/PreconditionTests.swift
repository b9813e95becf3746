import DropCore
import Testing
import TwinService

@Suite struct `A precondition` {
    @Test(
        arguments: [
            (.none, nil, nil), (.none, "1", nil), (.ifAbsent, nil, nil), (.ifAbsent, "1", .preconditionFailed),
            (.ifPresent, nil, .preconditionFailed),
            (.ifPresent, "1", nil), (.ifTagged(["1"]), nil, .preconditionFailed), (.ifTagged(["1"]), "1", nil),
            (.ifTagged(["2", "1"]), "1", nil),
            (.ifTagged(["2"]), "1", .preconditionFailed), (.ifTagged([]), "1", .preconditionFailed),
            (.ifTagged(["e\u{301}"]), "é", .preconditionFailed),
        ] as [(Precondition, String?, ServiceError.Code?)])
    func `holds as its words say`(condition: Precondition, tag: String?, refusal: ServiceError.Code?) throws {
        #expect(try code { try condition.check(tag: tag, of: "The twin t") } == refusal)
    }

    @Test func `tells what to do where it does not hold`() {
        let error = #expect(throws: ServiceError.self) {
            try Precondition.ifTagged(["1"]).check(tag: "2", of: "The twin t")
        }
        #expect(
            error?.message == "The twin t was changed since: its tag is another now. Read it again and repeat the change.")
    }
}
