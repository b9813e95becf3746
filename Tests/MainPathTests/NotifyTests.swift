import Foundation
import ProgramKit
import Testing
import TwinModel

/// A web server in Python that keeps what it is told in a file, a line a message, and answers as it is told by another file.
private final class Receiver {
    private let child: Child
    let port: String
    let messages: String
    private let answer: String

    init(in home: Home) throws {
        messages = home.path + "/files/messages"
        answer = home.path + "/files/answer"
        let program = """
            import http.server, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    try: status = int(open(sys.argv[2]).read())
                    except FileNotFoundError: status = 204
                    kind = self.headers["Content-Type"] + " " + self.headers.get("Authorization", "-")
                    with open(sys.argv[1], "a") as file: file.write(f"{status} {self.path} {kind} {body.decode()}")
                    self.send_response(status); self.send_header("Content-Length", "0"); self.end_headers()
                def log_message(self, *arguments): pass
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            print(server.server_address[1], flush=True)
            server.serve_forever()
            """
        child = try Child("python3", ["-c", program, messages, answer], output: .pipe)
        let out = FileHandle(fileDescriptor: child.output, closeOnDealloc: false)
        port = String(decoding: out.availableData, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    func answers(_ status: Int) throws { try Data("\(status)".utf8).write(to: URL(fileURLWithPath: answer)) }

    /// What came so far: status, path and headers before the object.
    var received: [(head: String, body: JSON)] {
        let text = (try? String(contentsOfFile: messages, encoding: .utf8)) ?? ""
        return text.split(separator: "\n").compactMap { line in
            guard let start = line.firstIndex(of: "{") else { return nil }
            let object = String(line.suffix(from: start))
            guard let body = try? JSON(parsing: object) else { return nil }
            return (String(line.prefix(upTo: start)), body)
        }
    }
}

@Suite(.serialized) struct `People who are told` {
    private static let guarded = Sample.assetsSource("guard: {rejects: 10%, rejects-free: 1}")
    private static let most =
        Sample.assets(1...5) + Sample.assets(6...9, status: "lost").dropFirst(Sample.assetHeader.count)

    /// A channel whose command appends what it reads to a file, a line each, with its arguments and no shell in between.
    private func pager(_ home: Home) throws -> String {
        let program = """
            #!/usr/bin/env python3
            import os, sys
            said = sys.stdin.read()
            if os.path.exists(os.environ["TWINDROP_HOME"] + "/files/broken"):
                print("the line is dead"); sys.exit(3)
            with open(os.environ["TWINDROP_HOME"] + "/files/paged", "a") as file: file.write(sys.argv[1] + " " + said)

            """
        let path = try home.file("page", program)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        return "notify:\n  pager:\n    command: [\"\(path)\", \"$(id); * 'x'\"]\n"
    }

    private func paged(_ home: Home) -> [JSON] {
        let text = (try? home.text(of: "files/paged")) ?? ""
        return text.split(separator: "\n").compactMap { line in
            #expect(line.hasPrefix("$(id); * 'x' {"), "no shell has seen the argument: \(line)")
            return line.firstIndex(of: "{").flatMap { try? JSON(parsing: String(line.suffix(from: $0))) }
        }
    }

    @Test func `by a program that is not there is found before the first notice`() throws {
        let home = try Home(Sample.sources + "notify:\n  people:\n    command: [\"/nowhere/tell\"]\n")
        for command in [["doctor"], ["source", "check"]] {
            let ended = try Program.run(Program.twindrop, command + ["--home", home.path])
            #expect(ended.code != 0 && (ended.out + ended.err).contains("notify.people: /nowhere/tell"), "\(ended.err)")
        }
    }

    @Test func `hear of each open drop once, by a command, and after a restart of what is new`() throws {
        let home = try Home(Self.guarded)
        try home.configure(Self.guarded + pager(home))
        let daemon = try Daemon(home)
        let held = try home.drop("held.csv", Self.most, to: "assets", code: 1)
        try daemon.wait(for: "People were told.")
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        try daemon.wait(for: "People were told.", count: 2)
        let useless = try home.drop("useless.csv", Sample.assets(1...1, status: "lost"), to: "assets", code: 1)
        try daemon.wait(for: "People were told.", count: 3)
        let told = paged(home)
        #expect(told.count == 3 && told.allSatisfy { $0["format"] == .int(1) && $0["omitted"] == .int(0) })
        let notices = told.flatMap { $0["notices"]?.elements ?? [] }
        #expect(notices.map { $0["event"]?.string } == ["held", "quarantined", "nothing-usable"])
        #expect(notices.map { $0["drop"] } == [held["drop"], bad["drop"], useless["drop"]])
        #expect(notices.allSatisfy { $0["source"] == "assets" && $0["message"]?.string?.isEmpty == false })
        let standing = try home.ask("status")[path: "daemon/notify"]?.elements?.first
        #expect(standing?["sent"] == .int(3) && standing?["error"] == .null && standing?["waiting"] == .int(0))
        #expect(try daemon.end() == 0)
        // A run that tells once at its end: only of what is new.
        try home.deliver("new.csv", "<html>\n9\n", to: "assets")
        #expect(try home.run("run", "--once").code == 1)
        let again = paged(home)
        #expect(again.count == 4)
        #expect(again.last?["notices"]?.elements?.map { $0["file"]?.string } == ["new.csv"])
        #expect(try home.run("run", "--once").code == 0)
        #expect(paged(home).count == 4)
    }

    @Test func `hear of what a failing channel could not tell, once it can, and the flow goes on meanwhile`() throws {
        let home = try Home(Self.guarded)
        try home.configure(Self.guarded + pager(home))
        try Data().write(to: URL(fileURLWithPath: home.path + "/files/broken"))
        let daemon = try Daemon(home)
        try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        try daemon.wait(for: "People could not be told; it is tried again.")
        try home.drop("good.csv", Sample.assets(1...2), to: "assets")
        let standing = try home.ask("status")[path: "daemon/notify"]?.elements?.first
        #expect(standing?["waiting"] == .int(1))
        #expect(
            standing?["error"]?.string?.hasSuffix("ended with code 3: the line is dead\\u{a}") == true, "\(standing ?? .null)")
        let shown = try home.shown("status").split(separator: "\n")
        let untold = try #require(shown.first { $0.hasPrefix("notify  pager: NOT TOLD 1 notice") }, "\(shown)")
        #expect(try home.run("doctor").out.contains(untold))
        #expect(try daemon.end() == 0)
        try FileManager.default.removeItem(atPath: home.path + "/files/broken")
        let next = try Daemon(home)
        try next.wait(for: "People were told.")
        #expect(paged(home).compactMap { $0["count"] } == [.int(1)])
        #expect(try next.end() == 0)
    }

    @Test func `hear by a webhook, with the secret of a file, again when their server failed`() throws {
        let home = try Home(Self.guarded)
        let receiver = try Receiver(in: home)
        _ = try home.file("token", "Bearer s3cret\n")
        try home.configure(
            Self.guarded + "notify:\n  chat:\n    webhook: \"http://127.0.0.1:\(receiver.port)/hook?room=1\"\n"
                + "    authorization: files/token\n    events: [quarantined]\n")
        try receiver.answers(500)
        let daemon = try Daemon(home)
        try home.drop("held.csv", Self.most, to: "assets", code: 1)
        let bad = try home.drop("bad.csv", "<html>\n", to: "assets", code: 1)
        try daemon.wait(for: "People could not be told; it is tried again.")
        try receiver.answers(200)
        try daemon.wait(for: "People were told.")
        #expect(try daemon.end() == 0)
        let received = receiver.received
        #expect(received.last?.head == "200 /hook?room=1 application/json Bearer s3cret ")
        #expect(
            received.allSatisfy { $0.body["notices"]?.elements?.map { $0["drop"] } == [bad["drop"]] }, "held is not asked for")
        #expect(received.count { $0.head.hasPrefix("200") } == 1)
    }

    @Test func `hear of many at once in one message`() throws {
        let home = try Home(Self.guarded)
        for number in 1...60 { try home.deliver("\(number).csv", "<html>\n\(number)\n", to: "assets") }
        try home.configure(Self.guarded + pager(home))
        #expect(try home.run("run", "--once").code == 1)
        let told = try #require(paged(home).first)
        #expect(paged(home).count == 1)
        #expect(told["count"] == .int(60) && told["notices"]?.elements?.count == 50 && told["omitted"] == .int(10))
    }

    @Test func `hear of a suspended source and of a late one, and again when it is so again`() throws {
        let home = try Home(Sample.assetsSource("expect: 2s"))
        try home.configure(Sample.assetsSource("expect: 2s") + pager(home) + "http: {listen: \"127.0.0.1:0\"}\n")
        let daemon = try Daemon(home)
        try daemon.wait(for: "A source is late.")
        try daemon.wait(for: "People were told.")
        let late = try #require(paged(home).first?["notices"]?.elements?.first)
        #expect(late["event"] == "late" && late["source"] == "assets" && late["lastDelivery"] == .null)
        let source = try home.ask("status")["sources"]?.elements?.first
        #expect(source?[path: "expected/late"] == .bool(true))
        #expect(try home.shown("status").contains("LATE: a delivery was expected by "))
        let ready = try page("/readyz", of: home)
        #expect(ready.hasPrefix("200 ok\n") && ready.contains("source assets is late."), "\(ready)")
        let metrics = try page("/metrics", of: home)
        #expect(metrics.contains("twindrop_source_late{source=\"assets\"} 1\n"))
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        try daemon.wait(for: "A late source delivered.")
        let after = try page("/metrics", of: home)
        #expect(after.contains("twindrop_source_last_delivery_timestamp_seconds{source=\"assets\"} 17"))
        try daemon.wait(for: "A source is late.", count: 2)
        try daemon.wait(for: "People were told.", count: 2)
        #expect(try daemon.end() == 0)
        let doctor = try home.run("doctor")
        #expect(doctor.code == 1 && doctor.out.contains("source assets is late."), "\(doctor.out)")
    }

    /// The defect: doctor called a source late of which the daemon, just started, did not say so yet.
    @Test func `hear of no late source before a new daemon has taken what came`() throws {
        let home = try Home(Sample.assetsSource("expect: 1s"))
        try home.deliver("a.csv", Sample.assets(1...2), to: "assets")
        #expect(try home.run("run", "--once").code == 0)
        usleep(1_200_000)
        #expect(try home.run("doctor").out.contains("source assets is late."))
        let daemon = try Daemon(home)
        let status = try home.shown("status")
        #expect(status.contains("; the next was expected by ") && status.contains(", and is late from "), "\(status)")
        let source = try home.ask("status")["sources"]?.elements?.first
        #expect(source?[path: "expected/late"] == .bool(false))
        #expect(try !home.run("doctor").out.contains("is late."))
        #expect(try daemon.end() == 0)
    }

    private func page(_ path: String, of home: Home) throws -> String {
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let program = "import sys, urllib.request as u; r = u.urlopen(sys.argv[1]); print(r.status, r.read().decode())"
        let page = try Program.tool("python3", "-c", program, endpoint + path)
        try #require(page.code == 0, "\(page.err)")
        return page.out
    }
}

@Suite struct `The alerts for Prometheus` {
    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path
    static let rules = root + "/packaging/prometheus/twindrop.rules.yml"
    static let promtool = [root + "/.build/prometheus/promtool", "/usr/bin/promtool"].first(
        where: FileManager.default.isExecutableFile)

    @Test(.enabled(if: promtool != nil, "there is no promtool: run scripts/setup"))
    func `are taken by promtool`() throws {
        let checked = try Program.run(try #require(Self.promtool), ["check", "rules", Self.rules])
        #expect(checked.code == 0, "\(checked.out)\(checked.err)")
    }

    @Test func `name only metrics that there are`() throws {
        let home = try Home(
            Sample.assetsSource("expect: 24h") + "notify:\n  x: {command: [/bin/true]}\nhttp: {listen: \"127.0.0.1:0\"}\n")
        let daemon = try Daemon(home)
        try home.drop("a.csv", Sample.assets(1...2), to: "assets")
        let endpoint = try home.text(of: "state/endpoint").trimmingCharacters(in: .whitespacesAndNewlines)
        let page = try Program.tool(
            "python3", "-c", "import sys, urllib.request as u; print(u.urlopen(sys.argv[1]).read().decode())",
            endpoint + "/metrics")
        #expect(try daemon.end() == 0)
        let known = Set(
            page.out.split(separator: "\n").filter { $0.hasPrefix("# TYPE ") }.map { String($0.split(separator: " ")[2]) })
        let text = try String(contentsOfFile: Self.rules, encoding: .utf8)
        let words = text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.filter { $0.hasPrefix("twindrop_") }
        #expect(!words.isEmpty)
        for word in words { #expect(known.contains(String(word)), "\(word) is no metric") }
    }
}
