import DropCore
import Testing

@Suite("The name of a member")
struct MemberNameTests {
    @Test(
        "is told by its characters",
        arguments: [
            ("a", .name), ("A9", .name), ("a_b", .name), ("a__9", .name), (String(repeating: "x", count: 512), .name),
            ("motor/speed", .path), ("a/b_c", .path),
            (String(repeating: "x", count: 512) + "/" + String(repeating: "y", count: 512), .path),
            ("", .other), ("_a", .other), ("a_", .other), ("9a", .other), ("a-b", .other), ("ä", .other), ("a b", .other),
            ("/", .other), ("a/", .other), ("/a", .other), ("a/b/c", .other), ("a//b", .other), ("a_/b", .other),
            ("a/_b", .other),
            ("a/9", .other), ("a/b_", .other), (String(repeating: "x", count: 513), .other),
            ("a/" + String(repeating: "x", count: 513), .other), ("dtmi:a:b;1", .other),
        ] as [(String, MemberName.Kind)])
    func kinds(text: String, kind: MemberName.Kind) { #expect(MemberName.kind(of: text) == kind) }
}
