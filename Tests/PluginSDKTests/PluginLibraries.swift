import ProgramKit
import TwinDropTesting

/// The built plugin libraries, beside the test program, and their folders in the package.
enum PluginLibraries {
    static func path(_ name: String) -> String { BuiltPrograms.path("lib\(name).so") }

    static func folder(_ name: String) -> String { "\(packageFolder)/Plugins/\(name)" }

    static func mapping(_ fixture: String, lookups: [String: [String: String]] = [:]) throws -> PluginHarness {
        let path = "\(packageFolder)/Tests/PluginSDKTests/Mappings/\(fixture).json"
        return try mapping(settings: String(decoding: try FileBytes.read(path), as: UTF8.self), lookups: lookups)
    }

    static func mapping(settings: String, lookups: [String: [String: String]] = [:]) throws -> PluginHarness {
        try PluginHarness(library: path("mapping"), settings: settings, lookups: lookups)
    }

    private static let packageFolder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
}
