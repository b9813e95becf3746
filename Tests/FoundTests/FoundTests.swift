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

    /// A case is judged by what lies beside it; a rule is for the files it was written for, not for a number.
    @Test func `is judged by what the case brings, and never by another case's rule`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("td-cases-\(UUID().uuidString.prefix(8))")
        defer { try? FileManager.default.removeItem(at: folder) }
        func write(_ name: String, _ text: String) throws {
            let file = folder.appendingPathComponent(name)
            try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(text.utf8).write(to: file)
        }
        for number in ["01", "02", "04", "99"] { try write("intake/\(number)/run.sh", "echo right\n") }
        try write("intake/01/expected", "right\n")
        try write("intake/02/expected", "wrong\n")
        try write("intake/04/judge.py", "def judge(text):\n    return [] if 'right' in text else ['wrong']\n")
        let program = [Self.tests + "/Found/found.py", folder.path, "--build", "/nowhere"]
        let all = try Child.run("python3", program, seconds: 60, merging: true)
        #expect(all.code == 1 && all.text.contains("2 passed, 2 failed"), "\(all.text)")
        for line in ["pass    intake/01", "FAIL    intake/02", "pass    intake/04", "FAIL    intake/99"] {
            #expect(all.text.contains(line), "\(line): \(all.text)")
        }
        // The number of a rule alone is none.
        try FileManager.default.removeItem(at: folder.appendingPathComponent("intake/04/judge.py"))
        let strange = try Child.run("python3", program + ["--only", "intake/04"], seconds: 60, merging: true)
        #expect(strange.code == 1 && strange.text.contains("no rule"), "\(strange.text)")
        // What cannot be run is not known to work.
        try write("adt/lib/adt.py", "")
        try write("adt/01-x/x.py", "print('x')\n")
        let skipped = try Child.run("python3", program + ["--only", "adt"], seconds: 60, merging: true)
        #expect(skipped.code == 1 && skipped.text.contains("1 not run"), "\(skipped.text)")
        let allowed = try Child.run("python3", program + ["--only", "adt", "--allow-not-run"], seconds: 60, merging: true)
        #expect(allowed.code == 0, "\(allowed.text)")
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
