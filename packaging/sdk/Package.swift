// swift-tools-version: 6.2
import PackageDescription

// The part of TwinDrop that plugins in Swift are built with. It stands by itself, and needs nothing but Swift 6.3.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .strictMemorySafety(),
]

let package = Package(
    name: "twindrop-sdk",
    products: [
        .library(name: "TwinDropPluginSDK", targets: ["TwinDropPluginSDK"]),
        .library(name: "TwinDropTesting", targets: ["TwinDropTesting"]),
    ],
    targets: [
        .target(name: "CTwinDropPlugin"),
        .target(name: "CodecKit", swiftSettings: settings),
        .target(name: "ValueRules", dependencies: ["CodecKit"], swiftSettings: settings),
        .target(name: "TwinDropPluginSDK", dependencies: ["CTwinDropPlugin", "ValueRules"], swiftSettings: settings),
        .target(name: "TwinModel", dependencies: ["CodecKit"], swiftSettings: settings),
        .target(name: "DropCore", dependencies: ["CodecKit", "TwinModel", "ValueRules"], swiftSettings: settings),
        .target(
            name: "TwinDropTesting", dependencies: ["CodecKit", "CTwinDropPlugin", "DropCore", "TwinModel", "ValueRules"],
            swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu11
)
