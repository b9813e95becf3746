import Foundation
import ProgramKit
import Testing

/// The small cases that people found from outside (`make found`), where their folder stands beside the checkout.
///
/// Those of the file intake run here. Those that need root, mounts or minutes run by `make found`.
@Suite(.serialized) struct `What was tried from outside` {
    static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().path
    static let cases = tests + "/../../shared/found/intake"

    static let isThere: Bool = {
        let exists = FileManager.default.fileExists(atPath: cases)
        if !exists { print("The cases found from outside are skipped: there is no \(cases).") }
        return exists
    }()

    @Test(.enabled(if: isThere)) func `gives what is right`() throws {
        let ended = try Child.run(
            "python3", [Self.tests + "/Found/found.py", Self.cases, "--build", BuiltPrograms.folder], seconds: 1200, merging: true
        )
        print(ended.text, terminator: "")
        #expect(ended.code == 0, "\(ended.text)")
    }

    /// A judge that passes everything would pass this, too.
    @Test func `is refused where the output is wrong`() throws {
        let check = """
            import sys
            sys.path.insert(0, sys.argv[1])
            import judges
            silent = [name for name, judge in judges.RULES.items() if not judge("")]
            sys.exit(f"these rules pass an empty output: {silent}" if silent else 0)
            """
        let ended = try Child.run("python3", ["-c", check, Self.tests + "/Found"], seconds: 60, merging: true)
        #expect(ended.code == 0, "\(ended.text)")
    }
}
