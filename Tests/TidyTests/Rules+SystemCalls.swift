extension Rules {
    /// Files beside SystemKit that may import the C library, each with what it needs it for. The list only grows shorter: a file
    /// that no longer imports it is taken off, and a new system call goes into SystemKit.
    static let glibc: [String: String] = [
        // Kits that own something else than files
        "Sources/Kits/ThreadKit/": "threads, condition variables, signals",
        "Sources/Kits/SocketKit/": "addresses and time-outs of Unix sockets",
        "Sources/Kits/CurlKit/": "addresses of the network; the types of libcurl",
        "Sources/Kits/ArchiveKit/": "the types and error numbers of libarchive",
        // Memory, and numbers of the C library
        "Sources/Adapters/TwinStore/Engine/Raw/ChangeLog.swift": "memory of its own",
        "Sources/Adapters/TwinStore/Engine/Raw/RawStatement.swift": "memory of SQLite's",
        "Sources/Adapters/TwinStore/Engine/Raw/AddressPool.swift": "address ranges (mmap)",
        "Sources/Adapters/TwinStore/Engine/Raw/SparseArray.swift": "memory of its own",
        "Sources/Adapters/Evidence/Raw/MarkSearch.swift": "the search for a byte (memchr)",
        "Sources/Adapters/Evidence/Raw/Blocks.swift": "the comparison of bytes (memcmp)",
        "Sources/Adapters/DropSpooling/Raw/InHandFile.swift": "a file mapped into memory (mmap)",
        "Sources/Adapters/PluginHost/WorkerFailure.swift": "the numbers of signals",
        "Sources/Surface/HomeReports/System/WallClock.swift": "the machine's time zone (localtime_r)",
        // What plugin authors use stands by itself
        "Sources/PluginSide/TwinDropPluginSDK/Delimited/DelimitedReader+Scan.swift": "the search for a byte (memchr)",
        "Sources/PluginSide/TwinDropTesting/": "plugins as libraries (dlopen), and their files",
    ]

    /// System calls stand in SystemKit: one EINTR, one error, one place where tests let them fail.
    static func systemCallsStayInKit(_ file: SourceFile) -> [Finding] {
        guard file.isSwift, file.isUnderSources, !file.path.hasPrefix("Sources/Kits/SystemKit/"),
            !glibc.keys.contains(where: file.path.hasPrefix)
        else { return [] }
        return importedModules(file).filter { $0.module == "Glibc" || $0.module == "Musl" }.map {
            Finding(path: file.path, line: $0.line, message: "system calls go through SystemKit: no import of \($0.module) here.")
        }
    }

    /// Entries of `glibc` that no file needs any more.
    static func needlessGlibc(_ files: [SourceFile]) -> [String] {
        glibc.keys.filter { place in
            !files.contains { file in
                file.path.hasPrefix(place) && importedModules(file).contains { $0.module == "Glibc" || $0.module == "Musl" }
            }
        }.sorted()
    }
}
