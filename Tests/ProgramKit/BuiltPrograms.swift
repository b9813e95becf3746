import Glibc

/// What this build made: programs, and the libraries of the repository's plugins.
package enum BuiltPrograms {
    /// Absolute: `TWINDROP_BIN`, else the folder of the test bundle.
    package static let folder: String = {
        if let set = unsafe getenv("TWINDROP_BIN"), unsafe set.pointee != 0 { return unsafe String(cString: set) }
        let bundle = CommandLine.arguments.first { $0.hasSuffix(".xctest") } ?? "/proc/self/exe"
        // A test that needs a program says what is missing.
        guard let resolved = unsafe realpath(bundle, nil) else { return "." }
        defer { unsafe free(resolved) }
        return unsafe String(cString: resolved).split(separator: "/").dropLast().map { "/" + $0 }.joined()
    }()

    package static func path(_ name: String) -> String { folder + "/" + name }
}
