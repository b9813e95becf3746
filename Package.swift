// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),  // `public import` is a promise; keep few.
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),  // Every pointer use is spelled `unsafe`.
]

/// Programs and plugins carry what they need of Swift: nothing but libc and the named libraries is on the target machine.
let carriesSwift: [LinkerSetting] = [
    .unsafeFlags(["-static-stdlib", "-Xlinker", "--gc-sections"])
]
let carriesFoundation: [LinkerSetting] = [
    .unsafeFlags([
        "-static-stdlib", "-Xlinker", "--gc-sections", "-lCoreFoundation", "-l_FoundationICU", "-l_FoundationCShims",
        "-l_FoundationCollections", "-ldispatch", "-lBlocksRuntime",
    ])
]

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let deque: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let system: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let hummingbird: Target.Dependency = .product(
    name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(
    name: "HummingbirdTLS", package: "hummingbird")
let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio"),
    .product(name: "NIOHTTP1", package: "swift-nio"), .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
    .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"), .product(name: "NIOSSL", package: "swift-nio-ssl"),
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
]
let jwt: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

/// A room of the house (docs/ARCHITECTURE.md, "Code map"): the folder in `Sources` that a target stands in.
enum Room: String {
    case kits = "Kits"
    case core = "Core"
    case flow = "Flow"
    case adapters = "Adapters"
    case surface = "Surface"
    case pluginSide = "PluginSide"

    func path(_ name: String) -> String { "Sources/\(rawValue)/\(name)" }

    func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
        .target(name: name, dependencies: dependencies, path: path(name), swiftSettings: strict)
    }

    func c(_ name: String, linkerSettings: [LinkerSetting] = []) -> Target {
        .target(name: name, path: path(name), linkerSettings: linkerSettings)
    }

    /// A library of the system.
    func library(_ name: String, pkgConfig: String, apt: String) -> Target {
        .systemLibrary(name: name, path: path(name), pkgConfig: pkgConfig, providers: [.apt([apt])])
    }
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// Targets that a build is to have, with what they need; all of them where the variable is not set. For builds of another kind,
/// which would take an hour for everything: `scripts/sanitize`, `scripts/fuzz`.
let wanted = Context.environment["TWINDROP_TARGETS"].map { Set($0.split(separator: ",").map(String.init)) }

/// Readers of hostile bytes (docs/fuzzing.md): tests that replay the kept corpus. `scripts/fuzz` asks for the program
/// `twindrop-fuzz` of the same sources, and for `PluginHost` beside it where frames are fuzzed.
func fuzz() -> Target {
    let readers: [Target.Dependency] = [
        "ValueRules", "TwinModel", "DropCore", "TwinDropPluginSDK", "TwinDropTesting", "HomeConfiguration", "ArchiveKit", "CZstd",
    ]
    let processes: [Target.Dependency] = ["PluginHost", "DropWatch", "CTwinDropWire"]
    guard let wanted, wanted.contains("twindrop-fuzz") else {
        return tests("FuzzTests", readers + processes + ["ProgramKit"], exclude: ["C", "Corpus", "Program.swift"])
    }
    let hasFrames = wanted.contains("PluginHost")
    return .executableTarget(
        name: "twindrop-fuzz", dependencies: readers + (hasFrames ? processes : []), path: "Tests/FuzzTests",
        exclude: ["C", "Corpus", "ReplayTests.swift"] + (hasFrames ? [] : ["Targets/FramesCheck.swift"]),
        swiftSettings: strict + (hasFrames ? [] : [.define("FUZZ_WITHOUT_FRAMES")]))
}

let plugins = ["mapping", "asset-inventory", "wms-orders", "fleet-hierarchy"]

/// A transformer plugin in Swift: one library that exports one symbol and needs no Swift (docs/decisions/0002).
func plugin(_ name: String) -> Target {
    .target(
        name: name, dependencies: ["TwinDropPluginSDK", "CTwinDropPlugin"], path: "Plugins/\(name)/Sources",
        swiftSettings: strict,
        linkerSettings: carriesSwift + [.unsafeFlags(["-Xlinker", "--version-script=Plugins/exports.map"])]
    )
}

/// What the packages above need themselves, at the versions they were tested with. No target names one, so SwiftPM calls them
/// unused; without this list it would take whatever is newest (docs/decisions/0004).
let pinned: [Package.Dependency] = [
    .package(url: "https://github.com/apple/swift-algorithms.git", exact: "1.2.1"),
    .package(url: "https://github.com/apple/swift-asn1.git", exact: "1.7.4"),
    .package(url: "https://github.com/apple/swift-async-algorithms.git", exact: "1.1.4"),
    .package(url: "https://github.com/apple/swift-atomics.git", exact: "1.3.0"),
    .package(url: "https://github.com/apple/swift-certificates.git", exact: "1.21.1"),
    .package(url: "https://github.com/apple/swift-configuration.git", exact: "1.4.0", traits: []),
    .package(url: "https://github.com/apple/swift-distributed-tracing.git", exact: "1.7.3"),
    .package(url: "https://github.com/apple/swift-http-structured-headers.git", exact: "1.7.0"),
    .package(url: "https://github.com/apple/swift-metrics.git", exact: "2.13.0"),
    .package(url: "https://github.com/apple/swift-nio-http2.git", exact: "1.46.0"),
    .package(url: "https://github.com/apple/swift-nio-transport-services.git", exact: "1.28.0"),
    .package(url: "https://github.com/apple/swift-numerics.git", exact: "1.1.1"),
    .package(url: "https://github.com/apple/swift-service-context.git", exact: "1.5.1"),
    .package(url: "https://github.com/swift-server/async-http-client.git", exact: "1.37.0"),
]

let package = Package(
    name: "TwinDrop",
    products: [
        .executable(name: "twindrop", targets: ["twindrop"]),
        .executable(name: "twindrop-watch", targets: ["twindrop-watch"]),
        .executable(name: "twindrop-worker", targets: ["twindrop-worker"]),
        .library(name: "TwinDropPluginSDK", targets: ["TwinDropPluginSDK"]),
        .library(name: "TwinDropTesting", targets: ["TwinDropTesting"]),
    ] + plugins.map { .library(name: $0, type: .dynamic, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-system", exact: "1.8.1"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/vapor/jwt-kit", exact: "5.7.1"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ] + pinned,
    targets: [
        // Pure core
        Room.core.module("ValueRules", ["CodecKit"]),
        Room.core.module("TwinModel", ["CodecKit"]),
        Room.core.module("DropCore", ["CodecKit", "TwinModel", "ValueRules"]),
        Room.core.module("TwinService", ["CodecKit", "DropCore", "TwinModel"]),

        // Kits and C modules
        Room.kits.module("CodecKit"),
        Room.kits.module("ThreadKit", [deque]),
        Room.kits.module("SystemKit", ["CodecKit", "CLinuxFiles"]),
        Room.kits.module("SocketKit", ["SystemKit"]),
        Room.kits.library("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev"),
        Room.kits.library("CZstd", pkgConfig: "libzstd", apt: "libzstd-dev"),
        Room.kits.module("ArchiveKit", ["CArchive", "CZstd"]),
        Room.kits.library("CCurl", pkgConfig: "libcurl", apt: "libcurl4-openssl-dev"),
        Room.kits.module("CurlKit", ["CCurl"]),
        Room.pluginSide.c("CTwinDropPlugin"),
        Room.adapters.c("CTwinDropWire"),
        Room.kits.c("CLinuxFiles"),
        Room.adapters.c("CGatherVFS", linkerSettings: [.linkedLibrary("sqlite3")]),

        // Adapters
        Room.adapters.module("DropWatch", ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", crypto]),
        Room.adapters.module(
            "PluginHost", ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "CTwinDropWire", crypto]),
        Room.adapters.module(
            "TwinStore",
            ["CodecKit", "DropCore", "TwinModel", "TwinService", "ThreadKit", "SystemKit", "CGatherVFS", grdb, grdbSQLite]),
        Room.adapters.module(
            "DropSpooling", ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "CLinuxFiles", system, crypto]),
        Room.adapters.module("Evidence", ["CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "ArchiveKit", crypto]),
        Room.adapters.module(
            "HomeConfiguration", ["CodecKit", "DropCore", "TwinModel", "ValueRules", "SystemKit", "CurlKit", yams]),

        Room.surface.module(
            "TwinAPI",
            [
                "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "CurlKit", "CLinuxFiles", hummingbird,
                hummingbirdTLS, jwt, crypto, logging,
            ] + nio),

        // Flow and surface
        Room.flow.module("Pipeline", ["CodecKit", "DropCore", "TwinModel", "ThreadKit", deque]),
        Room.surface.module(
            "HomeReports",
            [
                "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "DropWatch", "DropSpooling", "PluginHost",
                "TwinStore", "Evidence", "HomeConfiguration", "Pipeline", logging,
            ]),
        Room.surface.module(
            "Daemon",
            [
                "HomeReports", "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SocketKit", "SystemKit", "CurlKit", "DropWatch",
                "DropSpooling", "PluginHost", "TwinService", "TwinStore", "Evidence", "HomeConfiguration", "Pipeline", "TwinAPI",
                logging,
            ]),
        .executableTarget(
            name: "twindrop",
            dependencies: [
                "Daemon", "HomeReports", "CodecKit", "DropCore", "TwinModel", "ThreadKit", "SystemKit", "DropWatch",
                "DropSpooling", "PluginHost", "TwinService", "TwinStore", "Evidence", "HomeConfiguration", "Pipeline", "TwinAPI",
                argumentParser, logging,
            ],
            path: Room.surface.path("twindrop"),
            swiftSettings: strict, linkerSettings: carriesFoundation),

        // Processes of their own, in C (docs/decisions/0001)
        .executableTarget(
            name: "twindrop-worker", dependencies: ["CTwinDropPlugin", "CTwinDropWire"],
            path: Room.pluginSide.path("twindrop-worker"), linkerSettings: carriesSwift),
        .executableTarget(
            name: "twindrop-watch", path: Room.adapters.path("twindrop-watch"), exclude: ["LICENSE", "README.md"],
            linkerSettings: carriesSwift + [.linkedLibrary("inotifytools")]),

        .executableTarget(
            name: "store-bench", dependencies: ["TwinStore", "TwinService", "DropCore", "TwinModel"],
            path: "Benchmarks/store-bench",
            swiftSettings: strict),

        .executableTarget(
            name: "query-bench", dependencies: ["TwinStore", "DropCore", "TwinModel"],
            path: "Benchmarks/query-bench",
            swiftSettings: strict),

        // The DTDL parser against a suite of cases (docs/dtdl-conformance.md)
        .executableTarget(
            name: "dtdl-conformance", dependencies: ["TwinModel"], path: "Tests/dtdl-conformance", swiftSettings: strict),

        // Plugin side
        Room.pluginSide.module("TwinDropPluginSDK", ["CTwinDropPlugin", "ValueRules"]),
        Room.pluginSide.module("TwinDropTesting", ["CodecKit", "CTwinDropPlugin", "DropCore", "TwinModel", "ValueRules"]),

        // Tests
        .target(name: "ProgramKit", dependencies: ["SystemKit", "ThreadKit"], path: "Tests/ProgramKit", swiftSettings: strict),
        tests("CodecKitTests", ["CodecKit"]),
        tests("SystemKitTests", ["SystemKit"]),
        tests("ValueRulesTests", ["ValueRules", "TwinModel"]),
        tests("TwinModelTests", ["TwinModel", "dtdl-conformance"]),
        tests("DropCoreTests", ["DropCore"]),
        tests("DropWatchTests", ["SystemKit", "DropWatch", "DropCore", "ThreadKit", "ProgramKit"]),
        tests(
            "PluginHostTests", ["PluginHost", "DropCore", "TwinModel", "CTwinDropWire", "ProgramKit"],
            exclude: ["Hostile"]),
        tests(
            "PluginSDKTests", ["CodecKit", "TwinDropPluginSDK", "TwinDropTesting", "DropCore", "TwinModel", "ProgramKit"],
            exclude: ["Mappings", "Readers"]),
        tests("TwinServiceTests", ["TwinService", "DropCore", "TwinModel"]),
        tests("TwinStoreTests", ["TwinStore", "TwinService", "DropCore", "TwinModel", "ThreadKit", "ProgramKit", grdb]),
        .target(
            name: "ReferenceStore", dependencies: ["DropCore", "TwinModel", "TwinService", "ThreadKit"],
            path: "Tests/ReferenceStore", swiftSettings: strict),
        tests(
            "StoreConformance", ["ReferenceStore", "TwinStore", "TwinService", "DropCore", "TwinModel", "ThreadKit"]),
        // The whole flow, on fakes (docs/simulation.md)
        tests("SimulationTests", ["Pipeline", "ReferenceStore", "DropCore", "TwinModel", "ThreadKit"]),
        tests("EvidenceTests", ["CodecKit", "SystemKit", "Evidence", "ArchiveKit", "DropCore", "TwinModel", "ProgramKit"]),
        tests("CurlKitTests", ["CurlKit"]),
        tests(
            "TwinAPITests", ["CodecKit", "TwinAPI", "DropCore", "TwinModel", "ThreadKit", "ProgramKit", jwt, logging]),
        tests("HomeReportsTests", ["HomeReports", "DropCore", "TwinModel", logging]),
        tests("DaemonTests", ["Daemon", "HomeReports", "DropCore", "TwinModel", "SystemKit"]),
        tests("HomeConfigurationTests", ["HomeConfiguration", "DropCore", "TwinModel"]),
        tests("PipelineTests", ["Pipeline", "DropSpooling", "SocketKit", "SystemKit", "DropCore", "TwinModel", "ThreadKit"]),
        tests("MainPathTests", ["TwinModel", "ThreadKit", "DropSpooling", "ProgramKit"], exclude: ["Mappings", "Plugins"]),
        tests("CrashTests", ["ProgramKit"]),
        tests("FoundTests", ["ProgramKit"]),
        tests("TidyTests", []),
        fuzz(),
    ] + plugins.map(plugin),
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)

if let wanted {
    var kept: Set<String> = []
    var open = Array(wanted)
    while let name = open.popLast() {
        guard kept.insert(name).inserted, let target = package.targets.first(where: { $0.name == name }) else { continue }
        for case .byNameItem(let needed, _) in target.dependencies { open.append(needed) }
    }
    package.products.removeAll { _ in true }
    package.targets.removeAll { !kept.contains($0.name) }
}
