/// What the source tree must be like. Each rule takes one file and gives what is wrong with it.
enum Rules {
    /// Who may import whom (docs/ARCHITECTURE.md, "Code map"): the pure core knows nothing, adapters know the core and kits,
    /// `Daemon` wires them, and `twindrop` has the commands. A target that is missing here is refused: its place is decided when
    /// it is made.
    static let imports: [String: Set<String>] = [
        // Pure core
        "ValueRules": ["CodecKit"],
        "TwinModel": ["CodecKit"],
        "DropCore": ["CodecKit", "TwinModel", "ValueRules"],
        "TwinService": ["CodecKit", "DropCore", "TwinModel"],
        // Kits
        "CodecKit": [],
        "ThreadKit": ["DequeModule"],
        "SystemKit": ["CodecKit", "CLinuxFiles"],
        "SocketKit": ["SystemKit"],
        "ArchiveKit": ["CArchive", "CZstd"],
        "CurlKit": ["CCurl"],
        // Adapters
        "DropWatch": [
            "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "Crypto", "DequeModule",
        ],
        "PluginHost": [
            "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "CTwinDropWire", "CTwinDropPlugin", "Crypto",
        ],
        "TwinStore": [
            "CodecKit", "DropCore", "TwinModel", "TwinService", "ThreadKit", "SystemKit", "CGatherVFS", "GRDB", "GRDBSQLite",
        ],
        "DropSpooling": [
            "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "SystemPackage", "Crypto", "CLinuxFiles",
        ],
        "Evidence": ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "ArchiveKit", "Crypto"],
        "HomeConfiguration": ["CodecKit", "DropCore", "TwinModel", "ValueRules", "SystemKit", "CurlKit", "Yams"],
        // Surface
        "TwinAPI": [
            "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "CurlKit", "CLinuxFiles", "Hummingbird",
            "HummingbirdCore",
            "HummingbirdTLS",
            "HTTPTypes",
            "NIOCore",
            "NIOPosix", "NIOHTTP1", "NIOHTTPTypes", "NIOHTTPTypesHTTP1", "NIOSSL", "ServiceLifecycle", "JWTKit", "Crypto",
            "Logging",
        ],
        "HomeReports": [
            "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "DropWatch", "DropSpooling", "PluginHost",
            "TwinStore", "Evidence", "HomeConfiguration", "Pipeline", "Logging",
        ],
        "Daemon": [
            "HomeReports", "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SocketKit", "SystemKit", "CurlKit", "DropWatch",
            "DropSpooling", "PluginHost", "TwinService", "TwinStore", "Evidence", "HomeConfiguration", "Pipeline", "TwinAPI",
            "Logging",
        ],
        // Flow
        "Pipeline": ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "DequeModule"],
        // Plugin side
        "TwinDropPluginSDK": ["CTwinDropPlugin", "ValueRules"],
        "TwinDropTesting": ["CodecKit", "CTwinDropPlugin", "TwinDropPluginSDK", "DropCore", "TwinModel", "ValueRules"],
        "Plugins": ["TwinDropPluginSDK", "CTwinDropPlugin"],
    ]
    /// The rooms of `Sources`; every target stands in one.
    static let rooms: Set<String> = ["Kits", "Core", "Flow", "Adapters", "Surface", "PluginSide"]
    /// What everybody may import: the C library's Swift face and the standard library's own modules.
    static let everywhere: Set<String> = ["Glibc", "Musl", "Synchronization"]
    /// The command line; and programs of their own for measuring.
    static let unbound: Set<String> = ["twindrop", "dtdl-conformance"]
    /// Where Foundation is allowed: where something else needs it anyway, and nothing is hot.
    static let foundation: Set<String> = [
        "HomeConfiguration", "HomeReports", "Daemon", "twindrop", "TwinDropTesting", "TwinStore",  // GRDB speaks `Data`.
    ]

    /// Where pointers may be touched: `unsafe`, and modules of C.
    static let unsafeFolders = [
        "Sources/Kits/ThreadKit/", "Sources/Kits/SystemKit/", "Sources/Kits/SocketKit/",
        "Sources/Kits/ArchiveKit/",
        "Sources/Adapters/DropSpooling/Raw/",
        "Sources/Surface/HomeReports/System/", "Sources/Surface/TwinAPI/System/",
        "Sources/Surface/twindrop/System/",
        "Sources/Kits/CurlKit/", "Sources/Adapters/PluginHost/", "Sources/PluginSide/TwinDropPluginSDK/",
        "Sources/PluginSide/TwinDropTesting/", "Sources/Adapters/TwinStore/Engine/Raw/", "Sources/Adapters/DropWatch/Raw/",
        "Sources/Adapters/DropWatch/System/",
        "Sources/Adapters/DropWatch/Watching/HelperProcess.swift", "Sources/Adapters/Evidence/Raw/", "Plugins/",
    ]

    /// Imports follow the table; Foundation only where it is listed.
    static func dependencyDirection(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources else { return [] }
        guard let target = file.target, file.room.map(rooms.contains) != false else {
            return [Finding(path: file.path, line: 1, message: "stands in no target of a room: \(rooms.sorted()).")]
        }
        guard !unbound.contains(target) else { return [] }
        guard let allowed = imports[target] else {
            return [
                Finding(
                    path: file.path, line: 1,
                    message: "the target \(target) has no row in Rules.imports: decide what it may import.")
            ]
        }
        return importedModules(file).compactMap { line, module in
            if module.hasPrefix("Foundation") {
                guard !foundation.contains(target) else { return nil }
                return Finding(path: file.path, line: line, message: "\(target) does without Foundation.")
            }
            guard !allowed.contains(module), !everywhere.contains(module) else { return nil }
            return Finding(path: file.path, line: line, message: "\(target) may not import \(module).")
        }
    }

    /// `unsafe` and C modules stay in the folders made for them.
    static func pointersStayInKits(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources, !unsafeFolders.contains(where: file.path.hasPrefix) else { return [] }
        let words = file.code.indices.filter { hasWord("unsafe", in: file.code[$0]) }.map {
            Finding(path: file.path, line: $0 + 1, message: "`unsafe` outside the folders of Rules.unsafeFolders.")
        }
        let modules = importedModules(file).filter { isC($0.module) }.map {
            Finding(
                path: file.path, line: $0.line, message: "the C module \($0.module) outside the folders of Rules.unsafeFolders.")
        }
        return words + modules
    }

    /// Only twindrop-watch is linked with libinotifytools, which is GPL-2.0 (docs/decisions/0001).
    static func inotifytoolsStaysApart(_ file: SourceFile) -> [Finding] {
        guard file.isUnderSources, file.isC || file.path.hasSuffix(".modulemap"), file.target != "twindrop-watch" else {
            return []
        }
        return file.code.indices.filter { file.code[$0].contains("inotifytools") || file.lines[$0].contains("<inotifytools") }.map
        {
            Finding(path: file.path, line: $0 + 1, message: "only twindrop-watch may use libinotifytools.")
        }
    }

    /// The modules a file imports, with their lines; `import struct A.B` counts as A.
    static func importedModules(_ file: SourceFile) -> [(line: Int, module: String)] {
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "func", "var", "let", "typealias", "actor"]
        return file.code.enumerated().compactMap { index, line in
            var words = line.split { $0 == " " || $0 == ";" || $0 == "\t" }[...]
            guard let at = words.firstIndex(of: "import"), words[..<at].allSatisfy({ $0.hasPrefix("@") || isAccess($0) }) else {
                return nil
            }
            words = words[(at + 1)...]
            if let first = words.first, kinds.contains(first) { words = words.dropFirst() }
            guard let module = words.first?.split(separator: ".").first else { return nil }
            return (index + 1, String(module))
        }
    }

    private static func isAccess(_ word: Substring) -> Bool {
        ["public", "package", "internal", "fileprivate", "private"].contains(word)
    }

    private static func isC(_ module: String) -> Bool {
        module == "GRDBSQLite" || module.first == "C" && module.dropFirst().first?.isUppercase == true
    }

    /// Whether `word` stands in `line` as a word of its own.
    static func hasWord(_ word: String, in line: String) -> Bool {
        var rest = line[...]
        while let range = rest.firstRange(of: word) {
            let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
            let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
            if !isPartOfWord(before), !isPartOfWord(after) { return true }
            rest = line[range.upperBound...]
        }
        return false
    }

    private static func isPartOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }
}
