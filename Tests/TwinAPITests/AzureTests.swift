import Foundation
import ProgramKit
import Testing

/// The tests of `Tests/Azure`, which drive the built program with the official SDK for Python and with schemathesis
/// (docs/twin-api.md).
///
/// The first run makes the virtual environment `.build/venv` from PyPI; later ones work offline. `TWINDROP_SCHEMA_SECONDS` is how
/// long schemathesis runs.
enum Azure {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path + "/Azure"
    static let repository = URL(fileURLWithPath: folder).deletingLastPathComponent().deletingLastPathComponent().path
    static let description = repository + "/../shared/reference/openapi/digitaltwins-2023-10-31.json"

    static let programs = BuiltPrograms.folder

    static var seconds: String { ProcessInfo.processInfo.environment["TWINDROP_SCHEMA_SECONDS"] ?? "60" }

    /// The program and Python are there; what is missing is said.
    static let isReady = has(programs + "/twindrop") && has("/usr/bin/env")
    static let hasDescription = isReady && has(description)

    private static func has(_ path: String) -> Bool {
        let exists = FileManager.default.fileExists(atPath: path)
        if !exists { print("Tests of the API with Azure's SDK are skipped: there is no \(path).") }
        return exists
    }

    static func run(_ arguments: String...) throws -> Child.Ended {
        try Child.run(
            folder + "/run", [repository + "/.build/venv"] + arguments, environment: ["TWINDROP_BIN": programs], seconds: 3600,
            merging: true)
    }
}

@Suite(.serialized, .enabled(if: Azure.isReady)) struct `The API` {
    @Test func `does with the SDK of Azure what the service does`() throws {
        let ended = try Azure.run("sdk")
        #expect(ended.code == 0, "\(ended.text)")
        for line in ended.text.split(separator: "\n") where line.hasPrefix("SKIPPED") {
            print("Of the tests of the API: \(line)")
        }
    }

    @Test func `passes the tests that the SDK itself ships`() throws {
        let ended = try Azure.run("upstream")
        #expect(ended.code == 0, "\(ended.text)")
    }

    @Test(.enabled(if: Azure.hasDescription)) func `answers generated calls as its description says`() throws {
        let ended = try Azure.run("schema", Azure.description, Azure.seconds)
        #expect(ended.code == 0, "\(ended.text)")
    }
}
