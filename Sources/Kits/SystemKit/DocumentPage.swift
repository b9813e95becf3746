import Glibc

/// A page of the documents, named so that whoever reads a message can open it. Messages, help and comments for people name pages
/// through this alone.
package enum DocumentPage {
    /// The path of the page `name`, such as `operations.md`: of the installed one, in `share/doc/twindrop` beside the folder of
    /// the program (docs/decisions/0003); where none is installed there, its path in the sources. Blocking; from any thread.
    package static func path(_ name: String) -> String {
        path(name, ofProgram: System.linkTarget("/proc/self/exe"))
    }

    /// - Parameter program: the absolute path of the running program, links followed; nil where it is not known.
    package static func path(_ name: String, ofProgram program: String?) -> String {
        let sources = "docs/" + name
        guard let program else { return sources }
        let folders = program.split(separator: "/").dropLast(2)
        let installed = folders.map { "/" + $0 }.joined() + "/share/doc/twindrop/" + name
        return System.factsIfThere(installed)?.kind == .file ? installed : sources
    }
}

extension System {
    /// What a symbolic link holds; nil where there is none, or it cannot be told.
    package static func linkTarget(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = unsafe readlink(path, &buffer, buffer.count)
        guard length > 0, length < buffer.count else { return nil }
        return String(validating: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
