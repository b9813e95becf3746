import Foundation
import Testing

@testable import TwinModel
@testable import dtdl_conformance

/// Test data beside the package; not everybody has it.
private enum SharedModels {
    static let folder: String = {
        let file = URL(fileURLWithPath: #filePath)
        return (0..<4).reduce(file) { url, _ in url.deletingLastPathComponent() }.path + "/shared"
    }()
    static let cases = folder + "/dtdl-cases/MANIFEST.json"
    static let ontologies = folder + "/ontologies"

    static func documents(_ name: String) -> [ModelDocument] {
        let path = "\(ontologies)/\(name)"
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return names.filter { $0.hasSuffix(".json") || $0.hasSuffix(".jsonld") }.sorted().compactMap { name in
            (try? TextFile.bytes("\(path)/\(name)")).map { ModelDocument(name: name, bytes: $0) }
        }
    }
}

@Suite(.enabled(if: FileManager.default.fileExists(atPath: SharedModels.cases), "needs ../shared/dtdl-cases beside the package"))
struct `The reference parser's cases` {
    @Test func `are judged as it judges them, in 99 of 100, and by its error ids in 95 of 100`() throws {
        let tally = Tally(try Manifest(path: SharedModels.cases).cases.map { $0.run() })
        #expect(tally.results.count > 1000)
        #expect(tally.verdictsRight * 100 >= tally.results.count * 99, "\(tally.misses.joined(separator: "\n"))")
        #expect(tally.errorsRight * 100 >= tally.errorCases.count * 95, "\(tally.misses.joined(separator: "\n"))")
    }
}

@Suite(
    .enabled(if: FileManager.default.fileExists(atPath: SharedModels.ontologies), "needs ../shared/ontologies beside the package")
)
struct `A published ontology` {
    static let valid: [(folder: String, interfaces: Int)] = [
        ("realestatecore-3.3-building", 767), ("realestatecore-4.0", 1364), ("smartcities", 63), ("isa95-manufacturing", 180),
        ("willow-rail", 582), ("samples/adt-sample-app/models", 4), ("samples/explorer-grid-and-building/models", 21),
    ]

    @Test(arguments: valid)
    func `loads whole`(folder: String, interfaces: Int) {
        let read = ModelSet().reading(SharedModels.documents(folder))
        #expect(read.errors == [] && read.unresolved == [])
        #expect(read.models.interfaces.count == interfaces)
    }

    @Test func `of mixed versions keeps them apart`() {
        let models = ModelSet().reading(SharedModels.documents("willow-rail")).models.interfaces.values
        #expect(models.count { $0.version == 2 } == 2 && models.count { $0.version == 3 } == 580)
    }

    @Test func `that defines one id twice is told so, and nothing else`() {
        let errors = ModelSet().reading(SharedModels.documents("wind-iec61400")).errors
        #expect(errors.map(\.id) == [.duplicateDefinition])
        #expect(errors.first?.element?.hasSuffix("WindFarm:WRPC;1") == true)
    }

    @Test func `in part misses what its components refer to`() {
        let read = ModelSet().reading(SharedModels.documents("iot-plugandplay-sample"))
        #expect(read.errors == [] && read.read.count == 400 && read.unresolved.count == 17)
    }
}
