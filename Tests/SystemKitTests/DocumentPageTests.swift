import Foundation
import Testing

@testable import SystemKit

@Suite struct `A page of the documents` {
    @Test func `is named where it is installed, else in the sources`() throws {
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("td-pages-\(UUID().uuidString.prefix(8))").path
        defer { try? FileManager.default.removeItem(atPath: root) }
        let pages = root + "/share/doc/twindrop"
        try FileManager.default.createDirectory(atPath: pages, withIntermediateDirectories: true)
        try Data().write(to: URL(fileURLWithPath: pages + "/operations.md"))
        let program = root + "/bin/twindrop"
        #expect(DocumentPage.path("operations.md", ofProgram: program) == pages + "/operations.md")
        #expect(DocumentPage.path("errors.md", ofProgram: program) == "docs/errors.md")
        #expect(DocumentPage.path("operations.md", ofProgram: nil) == "docs/operations.md")
        #expect(DocumentPage.path("operations.md", ofProgram: "/twindrop") == "docs/operations.md")
    }

    @Test func `is looked for beside the program that runs`() throws {
        let program = try #require(System.linkTarget("/proc/self/exe"))
        #expect(program.hasPrefix("/"))
        #expect(System.linkTarget(program) == nil)
    }
}
