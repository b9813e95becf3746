import Foundation
import Testing

@testable import TwinModel
@testable import dtdl_conformance

/// The facts of the reference as tables; not everybody has them.
private enum SharedFacts {
    static let path: String = {
        let file = URL(fileURLWithPath: #filePath)
        return (0..<4).reduce(file) { url, _ in url.deletingLastPathComponent() }.path + "/shared/reference/dtdl-facts.json"
    }()
    static let isPresent = FileManager.default.fileExists(atPath: path)

    static func read() throws -> JSONNode { try JSONNode(reading: TextFile.bytes(path)) }
}

@Suite(.enabled(if: SharedFacts.isPresent, "needs ../shared/reference beside the package"))
struct `The tables of the language` {
    @Test func `give every term of every context the meaning it has in the reference`() throws {
        for context in try #require(try SharedFacts.read()["contexts"]?.members) {
            guard let own = Extension.all[context.name] else {
                #expect(DTDLLimits.extensions[String(context.name.dropLast(2))] != nil, "\(context.name) is missing")
                continue
            }
            for term in context.value.members ?? [] {
                #expect(own.terms[term.name] == term.value.string, "\(term.name) of \(context.name)")
            }
        }
    }

    @Test func `allow each co-type where the reference allows it`() throws {
        for type in try #require(try SharedFacts.read()["adjunctTypes"]?.members) {
            guard ["AdjunctType", "SemanticType"].contains(type.value["kind"]?.string) else { continue }
            let fact = try #require(Extension.adjunctsByIRI[type.name], "\(type.name)")
            #expect(fact.isAbstract == (type.value["abstract"]?.value == .bool(true)), "\(type.name)")
            let classes = type.value["mayCotype"]?.elements?.compactMap { $0.string.flatMap(DTDLClass.init) }
            #expect(fact.classes == classes.map(Set.init), "\(type.name)")
            let versions = type.value["mayCotypeDtdlVersions"]?.json.array?.compactMap(\.whole) ?? []
            #expect(fact.versions == Set(versions), "\(type.name)")
            #expect(fact.requires == type.value["requiresCotype"]?.elements?.compactMap(\.string) ?? [], "\(type.name)")
            for member in type.value["properties"]?.members ?? [] {
                let own = fact.members.first { $0.term == member.name }
                #expect(own?.iri == member.value["iri"]?.string, "\(member.name) of \(type.name)")
                #expect(own?.isRequired == (member.value["required"]?.value == .bool(true)), "\(member.name) of \(type.name)")
            }
        }
    }

    @Test func `have the members of every class`() throws {
        for version in 2...4 {
            for type in try #require(try SharedFacts.read()["classes"]?["\(version)"]?.members) {
                guard let kind = DTDLClass(rawValue: type.name), kind.isWritable(in: version) else { continue }
                let own = MemberFact.members(of: kind, in: version)
                let members = try #require(type.value["properties"]?.members)
                #expect(Set(own.keys) == Set(members.map(\.name)), "\(kind) in version \(version)")
                for member in members {
                    let isRequired = (member.value["minCount"]?.json.whole ?? 0) > 0
                    #expect(own[member.name]?.isRequired == isRequired, "\(member.name) of \(kind) in version \(version)")
                    let versions = member.value["valueMayUseDtdlVersions"]?.json.array?.compactMap(\.whole) ?? []
                    #expect(own[member.name]?.versions == versions, "\(member.name) of \(kind) in version \(version)")
                }
            }
        }
    }

    @Test func `name errors as the reference does`() throws {
        let known = Set(try #require(try SharedFacts.read()["errorIds"]?.elements).compactMap(\.string))
        for id in DTDLErrorID.allCases where !id.rawValue.hasPrefix("azure") && id != .invalidJSON {
            #expect(known.contains(id.rawValue), "\(id.rawValue)")
        }
    }
}

extension JSON {
    fileprivate var array: [JSON]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    fileprivate var whole: Int? {
        if case .int(let number) = self { Int(number) } else { nil }
    }
}
