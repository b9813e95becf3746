import Foundation
import Testing
import TwinModel

@Suite(.serialized) struct `The host of a request` {
    /// Status of the answer to each of these requests, which are sent as they stand.
    private func statuses(_ requests: [String], of home: Home) throws -> [String] {
        let script = """
            import socket, sys
            host, port = sys.argv[1].split("//")[1].split(":")
            for text in sys.argv[2:]:
                s = socket.create_connection((host, int(port)), timeout=30)
                s.sendall(text.encode()); print(s.makefile("rb").readline().split()[1].decode()); s.close()
            """
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let ended = try Program.run("python3", ["-c", script, endpoint] + requests)
        try #require(ended.code == 0, "\(ended.err)")
        return ended.out.split(separator: "\n").map(String.init)
    }

    /// A second line, or a host in the target, would let a page of another site pass for one of this machine.
    @Test func `is named once, in the same way everywhere, or the request is refused`() throws {
        let home = try Home(Sample.assetsSource() + "http: {listen: 127.0.0.1:0}\n")
        let daemon = try Daemon(home)
        func request(_ target: String, _ lines: String..., version: String = "1.1") -> String {
            (["GET \(target) HTTP/\(version)"] + lines + ["Connection: close", "", ""]).joined(separator: "\r\n")
        }
        let path = "/models?api-version=2023-10-31"
        let found = try statuses(
            [
                request(path, "Host: 127.0.0.1"), request(path, "Host: evil.example"),
                request(path, "Host: 127.0.0.1", "Host: evil.example"), request(path, "Host: evil.example", "Host: 127.0.0.1"),
                request("http://evil.example\(path)", "Host: 127.0.0.1"),
                request("http://127.0.0.1\(path)", "Host: 127.0.0.1"),
                request("http://evil.example\(path)", "Host: evil.example"), request(path),
                request(path, version: "1.0"), request("http://evil.example\(path)", version: "1.0"),
            ], of: home)
        #expect(found == ["200", "403", "400", "400", "400", "200", "403", "400", "200", "403"])
        #expect(try daemon.end() == 0)
    }
}
