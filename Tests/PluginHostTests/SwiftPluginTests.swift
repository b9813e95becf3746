import Foundation
import PluginHost
import Testing

@Suite struct `A plugin in Swift` {
    /// Built by this package beside the worker; a build whose plugins export nothing yet has none.
    static let library: String? = {
        let folder = URL(fileURLWithPath: Workshop.worker).deletingLastPathComponent().path
        let path = ProcessInfo.processInfo.environment["TWINDROP_SWIFT_PLUGIN"] ?? folder + "/libasset-inventory.so"
        guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
        return bytes.range(of: Data("twindrop_plugin_v1\0".utf8)) == nil ? nil : path
    }()

    @Test(.enabled(if: library != nil, "libasset-inventory.so is not built"))
    func `brings its runtime into the sandbox`() throws {
        let bench = Bench(try #require(Self.library))
        let identity = try bench.host.identify(bench.source)
        #expect(identity.id == "asset-inventory")
        #expect(identity.abiMajor == 1)
    }
}
