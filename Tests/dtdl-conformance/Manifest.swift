import TwinModel

/// A MANIFEST.json of test cases: which files there are, and what each case expects.
struct Manifest {
    struct Problem: Error, CustomStringConvertible {
        let description: String
    }

    /// Every case, in the order of the manifest.
    private(set) var cases: [ConformanceCase] = []

    /// Reads the manifest at `path` and the files it names, which stand beside it.
    init(path: String) throws {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let root = try JSONNode(reading: try TextFile.bytes(path))
        guard let files = root["files"]?.elements else { throw Problem(description: "\(path) has no list `files`.") }
        for file in files {
            guard let name = file["file"]?.string, let expected = file["cases"]?.elements else {
                throw Problem(description: "\(path): an entry of `files` has no `file` or no `cases`.")
            }
            let bytes = try TextFile.bytes((folder.isEmpty ? "" : folder + "/") + name)
            cases += try Self.cases(name, bytes, expected)
        }
    }

    private static func cases(_ name: String, _ bytes: [UInt8], _ expected: [JSONNode]) throws -> [ConformanceCase] {
        let root = try JSONNode(reading: bytes)
        let tests = root.elements ?? [root]
        guard tests.count == expected.count else {
            throw Problem(description: "\(name) has \(tests.count) cases, the manifest \(expected.count).")
        }
        return zip(tests, expected).enumerated().map { index, pair in
            make(tests.count == 1 ? name : "\(name)#\(index)", pair.0, pair.1, bytes)
        }
    }

    private static func make(_ name: String, _ test: JSONNode, _ expected: JSONNode, _ bytes: [UInt8]) -> ConformanceCase {
        var options = ModelOptions()
        let words = strings(expected["options"])
        if words.contains("AllowUndefinedExtensions") { options.allowsUndefinedExtensions = true }
        if words.contains("DisallowUndefinedExtensions") { options.allowsUndefinedExtensions = false }
        if let version = (test["maxDtdlVersion"] ?? expected["maxDtdlVersion"])?.json.int { options.versionMax = Int(version) }
        if let limits = expected["acceptableLimits"] ?? test["acceptableLimits"] { options.acceptableLimits = strings(limits) }
        let quirks = strings(expected["quirks"])
        var resolvedOptions = options
        options.toleratesSolecisms = quirks.contains("TolerateSolecismsInParse")
        resolvedOptions.toleratesSolecisms = quirks.contains("TolerateSolecismsInResolve")
        return ConformanceCase(
            name: name, isValid: expected["valid"]?.json == .bool(true), errors: strings(expected["errors"]),
            unresolved: strings(expected["unresolved"]), documents: documents(test["input"], bytes), options: options,
            resolvedOptions: resolvedOptions,
            resolution: (test["resolution"]?.elements ?? []).map { step in
                (strings(step["request"]), documents(step["response"], bytes))
            },
            instances: (test["instances"]?.elements ?? []).map { instance in
                ConformanceCase.Instance(
                    subject: instance["subject"]?.string ?? "", text: instance["submit"]?.string ?? "",
                    conforms: instance["conforms"].map { $0.json == .bool(true) })
            },
            identifier: test["idText"]?.string)
    }

    private static func strings(_ node: JSONNode?) -> [String] { node?.elements?.compactMap(\.string) ?? [] }

    /// The text of an element as if it stood alone: without the indentation that it has in the file. The suite counts lines and
    /// bytes so. No string holds a line break, so what is taken away is white space.
    private static func text(_ element: JSONNode, _ bytes: [UInt8]) -> [UInt8] {
        let start = element.range.lowerBound
        let lineStart = bytes[..<start].lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        let indentation = bytes[lineStart..<start].prefix { $0 == 0x20 }.count
        var out: [UInt8] = []
        out.reserveCapacity(element.range.count)
        var left = 0
        for byte in bytes[element.range] {
            if byte == 0x0A {
                left = indentation
            } else if left > 0, byte == 0x20 {
                left -= 1
                continue
            } else {
                left = 0
            }
            out.append(byte)
        }
        return out
    }

    private static func documents(_ node: JSONNode?, _ bytes: [UInt8]) -> [ModelDocument] {
        (node?.elements ?? []).enumerated().map { index, element in
            ModelDocument(name: "input \(index)", bytes: element.string.map { Array($0.utf8) } ?? text(element, bytes))
        }
    }
}

extension JSON {
    fileprivate var int: Int64? {
        if case .int(let value) = self { value } else { nil }
    }
}
