import Foundation
import Glibc
import Testing
import TwinModel

@Suite(.serialized) struct `What a home keeps to itself` {
    /// The mode of a file of the home, of its rights alone.
    private func mode(_ home: Home, _ name: String) throws -> String {
        let attributes = try FileManager.default.attributesOfItem(atPath: home.path + "/" + name)
        return String((attributes[.posixPermissions] as? NSNumber)?.intValue ?? 0, radix: 8)
    }

    /// Runs the program under another umask.
    private func run(umask: String, _ arguments: String, _ home: Home) throws -> Program.Ended {
        try Program.run("/bin/sh", ["-c", "umask \(umask); exec \(Program.twindrop) \(arguments) --home \(home.path)"])
    }

    @Test func `is its user's alone, whatever the umask`() throws {
        let home = try Home(Sample.sources)
        try home.deliver("a.csv", Sample.assets(1...3), to: "assets")
        #expect(try run(umask: "000", "run --once", home).code == 0)
        #expect(try run(umask: "000", "backup \(home.path)/files/b.twindb", home).code == 0)
        for folder in ["state", "state/spool/in", "archive", "receipts/assets"] { #expect(try mode(home, folder).hasPrefix("7")) }
        let open = try Program.run("/bin/sh", ["-c", "find state archive receipts files/b.twindb -perm /066"], in: home.path)
        #expect(open.out == "", "these can be read by others")
    }

    @Test func `is tightened at a start where an earlier version left it open`() throws {
        let home = try Home(Sample.sources)
        try home.drop("a.csv", Sample.assets(1...3), to: "assets")
        #expect(
            try Program.run("/bin/sh", ["-c", "chmod 755 . state; chmod 644 state/twin.db* state/lock"], in: home.path).code == 0)
        #expect(try home.run("run", "--once").code == 0)
        #expect(try mode(home, "state") == "700")
        #expect(try mode(home, "state/twin.db") == "600")
        #expect(try mode(home, "") == "711", "senders may pass through it to the drop zone")
    }

    @Test func `is closed in a home that init makes`() throws {
        let home = try Home(Sample.sources)
        let made = try Program.run("/bin/sh", ["-c", "umask 022; exec \(Program.twindrop) init \(home.path)/new"])
        #expect(made.code == 0)
        let open = try Program.run("/bin/sh", ["-c", "find new -perm /077"], in: home.path)
        #expect(open.out == "", "these are open to others")
    }
}

/// Two users of the machine, as docs/operations.md has them. Without root there is only one, and the tests say so.
@Suite(.serialized, .enabled(if: TwoUsers.isPossible)) struct `A sender that is another user` {
    @Test func `delivers into its folder and reads its receipts and rejects, and nothing else`() throws {
        let users = try TwoUsers()
        let good = (10...39).map { Sample.order($0, battery: 50, order: $0) }.joined()
        users.deliver("orders.csv", Sample.orderHeader + good + "FL-2,much,8,1,A,B,1,2026-11-21T08:50:00Z\n")
        let run = try users.daemon("run", "--once")
        #expect(run.code == 0, "\(run.err)")
        let receipt = try users.sender("cat \(users.root)/receipts/erp/orders.csv.receipt.json")
        #expect(receipt.code == 0, "\(receipt.err)")
        #expect(try JSON(parsing: receipt.out)[path: "books/records/rejected"] == 1)
        let rejects = try users.sender("cat \(users.root)/receipts/erp/*.rejects.csv")
        #expect(rejects.out.contains("FL-2,much"), "\(rejects.err)")
        for secret in ["state/twin.db", "archive/chain.log", "twindrop.yaml"] {
            #expect(try users.sender("cd \(users.root) && cat home/\(secret)").code != 0, "the sender reads \(secret)")
        }
        #expect(try users.sender("echo x > \(users.root)/receipts/erp/mine").code != 0, "the sender writes receipts")
        #expect(try users.sender("ls \(users.root)/dropzone").code != 0, "the sender lists the drop zone")
        #expect(try users.stranger("cat \(users.root)/receipts/erp/orders.csv.receipt.json").code != 0, "others read receipts")
        #expect(try users.stranger("touch \(users.root)/dropzone/erp/x").code != 0, "others deliver")
    }
}

/// The recipe of docs/operations.md, with ids that no account of the machine needs to have.
private final class TwoUsers {
    static let isPossible: Bool = {
        if geteuid() == 0 { return true }
        print("SKIPPED: tests with two users need root.")
        return false
    }()

    private static let daemonID = 64_001
    private static let senderID = 64_002
    private static let group = 64_010

    let root = "/tmp/td-two-\(UUID().uuidString.prefix(8))"

    init() throws {
        let plugins = URL(fileURLWithPath: Program.folder).deletingLastPathComponent().path + "/plugins"
        let (daemon, group) = (Self.daemonID, Self.group)
        // The programs lie where other users may not look: the installed tree is readable by all.
        let installation = """
            install -d -m 0755 \(root)/bin/release \(root)/plugins
            cp \(Program.folder)/twindrop \(Program.folder)/twindrop-worker \(Program.folder)/twindrop-watch \(root)/bin/release
            cp \(plugins)/*.so \(plugins)/*.json \(root)/plugins
            chmod -R a+rX \(root)/bin \(root)/plugins
            """
        let recipe = """
            install -d -o \(daemon) -g \(daemon) -m 0711 \(root) \(root)/dropzone \(root)/receipts
            install -d -o \(daemon) -g \(group) -m 2770 \(root)/dropzone/erp
            install -d -o \(daemon) -g \(group) -m 2750 \(root)/receipts/erp
            install -d -o \(daemon) -g \(daemon) -m 0700 \(root)/home
            """
        let configuration = """
            paths: {dropzone: \(root)/dropzone, receipts: \(root)/receipts}
            sources: {erp: {plugin: wms-orders, ready: {rule: rename}}}
            """
        let write = "cd \(root) && cd home && printf '%s\\n' '\(configuration)' > twindrop.yaml && chown \(daemon) twindrop.yaml"
        let made = try Program.run("/bin/sh", ["-ec", "\(installation)\n\(recipe)\n\(write)"])
        try #require(made.code == 0, "\(made.err)")
    }

    deinit { try? FileManager.default.removeItem(atPath: root) }

    func daemon(_ arguments: String...) throws -> Program.Ended {
        try run(
            Self.daemonID, "umask 022; exec \(root)/bin/release/twindrop \(arguments.joined(separator: " ")) --home \(root)/home")
    }

    func sender(_ script: String) throws -> Program.Ended { try run(Self.senderID, "umask 027; \(script)") }

    func stranger(_ script: String) throws -> Program.Ended { try run(64_003, script, isMember: false) }

    func deliver(_ name: String, _ text: String) {
        let path = "\(root)/dropzone/erp/\(name)"
        let sent = try? sender("printf '%s' '\(text)' > \(path).part && mv \(path).part \(path)")
        #expect(sent?.code == 0, "the sender could not deliver: \(sent?.err ?? "")")
    }

    private func run(_ user: Int, _ script: String, isMember: Bool = true) throws -> Program.Ended {
        let groups = isMember ? "--groups=\(Self.group)" : "--clear-groups"
        return try Program.run("setpriv", ["--reuid=\(user)", "--regid=\(user)", groups, "/bin/sh", "-c", script])
    }
}
