import Glibc
import TwinDropTesting

/// The built plugin libraries, beside the test program, and their folders in the package.
enum PluginLibraries {
    static func path(_ name: String) -> String { "\(buildFolder)/lib\(name).so" }

    static func folder(_ name: String) -> String { "\(packageFolder)/Plugins/\(name)" }

    static func mapping(_ fixture: String, lookups: [String: [String: String]] = [:]) throws -> PluginHarness {
        let path = "\(packageFolder)/Tests/PluginSDKTests/Mappings/\(fixture).json"
        return try mapping(settings: String(decoding: try FileBytes.read(path), as: UTF8.self), lookups: lookups)
    }

    static func mapping(settings: String, lookups: [String: [String: String]] = [:]) throws -> PluginHarness {
        try PluginHarness(library: path("mapping"), settings: settings, lookups: lookups)
    }

    private static let packageFolder = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")

    private static let buildFolder: String = {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            unsafe readlink("/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let executable = String(decoding: buffer[..<max(0, count)], as: UTF8.self)
        return executable.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" }
    }()
}
