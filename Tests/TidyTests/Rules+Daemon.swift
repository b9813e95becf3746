extension Rules {
    /// What commands see of the daemon: one that runs in this process, one that runs elsewhere, and the plugins of its sources.
    /// `Tally` and `ServiceNotices` are parts of an engine that `run` reads.
    static let daemonFace: Set<String> = [
        "DaemonRun", "Engine", "ControlClient", "SourcePlugins", "Tally", "ServiceNotices",
    ]

    /// The daemon shows commands no more types than those of `daemonFace` (docs/ARCHITECTURE.md, "Code map").
    static func daemonShowsLittle(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.path.hasPrefix("Sources/Surface/Daemon/") else { return [] }
        let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "actor", "func", "var", "let", "typealias"]
        return file.code.enumerated().compactMap { index, line in
            // Only what stands at the margin: members belong to their types.
            guard line.hasPrefix("package ") || line.hasPrefix("public ") else { return nil }
            let words = line.split { !$0.isLetter && !$0.isNumber && $0 != "_" }
            guard let kind = words.firstIndex(where: kinds.contains), kind + 1 < words.count else { return nil }
            let name = String(words[kind + 1])
            guard !daemonFace.contains(name) else { return nil }
            return Finding(path: file.path, line: index + 1, message: "commands need not see \(name) of the daemon.")
        }
    }
}
