import DropCore
import Testing
import TwinModel

@testable import TwinService

@Suite struct `A draft of a twin` {
    private let models: ModelCatalog

    init() throws { models = try RulesFixture.models() }

    private func put(_ payload: String, old: String?? = nil) throws -> TwinDraft {
        try TwinDraft.put(JSON(parsing: payload), old: old, models)
    }

    private static let room = #"{"$metadata":{"$model":"dtmi:test:Room;1"},"seats":1,"thermostat":{"setPoint":2}}"#

    /// What it says, and what of it the call said.
    private func shown(_ draft: TwinDraft) -> [String] {
        draft.properties.map { "\($0.path.key)=\($0.value.text())\($0.isNew ? "!" : "")" }
    }

    @Test func `of a whole twin says all of it anew`() throws {
        let draft = try put(Self.room)
        #expect(draft.replaces && draft.model == "dtmi:test:Room;1")
        #expect(shown(draft) == ["seats=1!", "thermostat/setPoint=2!"])
        #expect(draft.components.map(\.name) == ["thermostat"])
    }

    @Test(
        arguments: [
            ("[]", .invalidArgument), ("{}", .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:no:Model;1"}}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Room;1"}}"#, .validationFailed),
            (#"{"$metadata":{"$model":"dtmi:test:Room;1"},"thermostat":{},"seats":"x"}"#, .validationFailed),
        ] as [(String, ServiceError.Code)])
    func `is refused with the reason`(payload: String, expected: ServiceError.Code) throws {
        #expect(try code { try put(payload) } == expected)
    }

    @Test func `is refused where it is larger than the service takes`() throws {
        let text =
            #"{"@context":"dtmi:dtdl:context;3","@id":"dtmi:test:Note;1","@type":"Interface","contents":["#
            + (0..<9).map { #"{"@type":"Property","name":"p\#($0)","schema":"string"}"# }.joined(separator: ",") + "]}"
        let models = try models.uploading([RulesFixture.model(text)], at: 2).catalog
        func payload(_ count: Int) -> JSON {
            let values = (0..<count).map { JSON.Member("p\($0)", .string(String(repeating: "x", count: 4096))) }
            return .object([.init("$metadata", ["$model": "dtmi:test:Note;1"])] + values)
        }
        #expect(try code { try TwinDraft.put(payload(7), old: nil, models) } == nil)
        #expect(try code { try TwinDraft.put(payload(8), old: nil, models) } == .limitExceeded)
    }

    @Test func `of a decommissioned model is for twins that have it`() throws {
        let old = try #require(try models.decommissioning("dtmi:test:Lab;1", true)).catalog
        let payload: JSON = ["$metadata": ["$model": "dtmi:test:Lab;1"], "thermostat": [:]]
        #expect(try code { try TwinDraft.put(payload, old: nil, old) } == .modelDecommissioned)
        #expect(try code { try TwinDraft.put(payload, old: .some("dtmi:test:Room;1"), old) } == .modelDecommissioned)
        #expect(try code { try TwinDraft.put(payload, old: .some(nil), old) } == .modelDecommissioned)
        #expect(try code { try TwinDraft.put(payload, old: .some("dtmi:test:Lab;1"), old) } == nil)
    }

    // MARK: Patches

    private func patched(_ patch: String, known: [String] = []) throws -> TwinDraft {
        let old = TwinDocument(
            model: "dtmi:test:Room;1", properties: [(.init(nil, "seats"), 1), (.init("thermostat", "setPoint"), 2)],
            sourceTimes: [:])
        return try TwinDraft.patched(old, RulesFixture.patch(patch), known: { known }, models)
    }

    @Test func `of a patch tells what the patch said, whether or not it is another value`() throws {
        let draft = try patched(#"[{"op":"replace","path":"/seats","value":1}]"#)
        #expect(shown(draft) == ["seats=1!", "thermostat/setPoint=2"])
        #expect(draft.components.map(\.isNew) == [false])
        let component = try patched(#"[{"op":"remove","path":"/thermostat/setPoint"}]"#)
        #expect(shown(component) == ["seats=1"])
        #expect(component.components.map(\.isNew) == [true])
    }

    @Test func `of a patch may have another model, with what that asks for`() throws {
        let change = #"{"op":"replace","path":"/$metadata/$model","value":"dtmi:test:Lab;1"}"#
        #expect(try patched(#"[{"op":"add","path":"/level","value":1},\#(change)]"#).model == "dtmi:test:Lab;1")
        #expect(try code { try patched(#"[{"op":"add","path":"/level","value":1}]"#) } == .validationFailed)
    }

    @Test(
        arguments: [
            (#"[{"op":"remove","path":"/since"}]"#, .invalidPatch),
            (#"[{"op":"add","path":"/$dtId","value":"x"}]"#, .invalidPatch),
            (#"[{"op":"remove","path":"/thermostat"}]"#, .validationFailed),
            (#"[{"op":"add","path":"/seats","value":1.5}]"#, .validationFailed),
        ] as [(String, ServiceError.Code)])
    func `of a patch is refused with the reason`(patch: String, expected: ServiceError.Code) throws {
        #expect(try code { try patched(patch) } == expected)
    }

    @Test func `that nobody checks takes what is there`() throws {
        let payload: JSON = ["$metadata": ["$model": "dtmi:no:Model;1"], "x": "y", "part": ["$metadata": [:], "z": 1]]
        let draft = try TwinDraft.unchecked(payload, models)
        #expect(shown(draft) == ["x=\"y\"!", "part/z=1!"])
        #expect(draft.components.map(\.name) == ["part"])
    }
}

@Suite struct `A draft of a relationship` {
    private let models: ModelCatalog
    private let floor = TwinEnd(id: "f", model: "dtmi:test:Floor;1")

    init() throws { models = try RulesFixture.models() }

    private func put(_ payload: String, to target: TwinEnd) throws -> RelationshipDraft {
        let payload = try JSON(parsing: payload)
        let name = try RelationshipDraft.ends(of: payload).name
        return try RelationshipDraft.put(payload, named: name, from: floor, to: target, models)
    }

    private static let has = #"{"$relationshipName":"has","$targetId":"r","since":3}"#

    @Test(
        arguments: [
            ("r", "dtmi:test:Room;1", nil), ("r", "dtmi:test:Lab;1", nil), ("r", "dtmi:gone:Model;1", nil),
            ("r", nil, .invalidRelationship), ("r", "dtmi:test:Floor;1", .invalidRelationship),
            ("f", "dtmi:test:Floor;1", .operationNotAllowed),
        ] as [(String, String?, ServiceError.Code?)])
    func `leads where the model lets it`(id: String, model: String?, refusal: ServiceError.Code?) throws {
        #expect(try code { try put(Self.has, to: TwinEnd(id: id, model: model)) } == refusal)
    }

    @Test(
        arguments: [
            ("{}", .invalidArgument), (#"{"$relationshipName":"has"}"#, .invalidArgument),
            (#"{"$relationshipName":"owns","$targetId":"r"}"#, .invalidRelationship),
            (#"{"$relationshipName":"has","$targetId":"r","until":1}"#, .validationFailed),
        ] as [(String, ServiceError.Code)])
    func `is refused with the reason`(payload: String, expected: ServiceError.Code) throws {
        #expect(try code { try put(payload, to: TwinEnd(id: "r", model: "dtmi:test:Room;1")) } == expected)
    }

    @Test func `needs a source whose model is there`() throws {
        let payload = try JSON(parsing: Self.has)
        let target = TwinEnd(id: "r", model: "dtmi:test:Room;1")
        for model in [nil, "dtmi:gone:Model;1"] {
            let refusal = try code {
                try RelationshipDraft.put(payload, named: "has", from: TwinEnd(id: "x", model: model), to: target, models)
            }
            #expect(refusal == .validationFailed)
        }
    }

    @Test func `of a patch tells what the patch said`() throws {
        let old: [JSON.Member] = [.init("since", 1)]
        let patch = try RulesFixture.patch(#"[{"op":"replace","path":"/since","value":1}]"#)
        #expect(try RelationshipDraft.patched("has", old, patch, from: floor, models).properties.map(\.isNew) == [true])
        let none = try RelationshipDraft.patched("has", old, JSONPatch([]), from: floor, models)
        #expect(none.properties.map(\.isNew) == [false])
        let target = try RulesFixture.patch(#"[{"op":"replace","path":"/$targetId","value":"x"}]"#)
        #expect(try code { try RelationshipDraft.patched("has", old, target, from: floor, models) } == .invalidPatch)
    }

    @Test func `of a file is refused only where the models tell`() {
        let (floor, room) = ("dtmi:test:Floor;1", "dtmi:test:Room;1")
        #expect(models.refusal(ofRelationship: "has", from: floor, to: room, [], strict: true) == nil)
        #expect(models.refusal(ofRelationship: "has", from: floor, to: floor, [], strict: false) != nil)
        #expect(models.refusal(ofRelationship: "has", from: floor, to: nil, [], strict: false) == nil)
        #expect(models.refusal(ofRelationship: "has", from: floor, to: nil, [], strict: true) != nil)
        #expect(models.refusal(ofRelationship: "has", from: nil, to: room, [], strict: false) == nil)
        #expect(models.refusal(ofRelationship: "has", from: nil, to: room, [], strict: true) != nil)
    }
}
