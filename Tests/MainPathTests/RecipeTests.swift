import Foundation
import Glibc
import Testing

/// The recipe of docs/operations.md for a sender and a service that are two users, as it stands there: with accounts and groups
/// of their own, in a mount namespace whose `/etc` and `/srv` are copies. It needs root, and says so where it has none.
@Suite(.serialized, .enabled(if: Recipe.isPossible)) struct `The recipe for two users` {
    @Test func `lets the sender deliver and read its receipts, and nobody else anything`() throws {
        let page = try String(contentsOfFile: package + "/docs/operations.md", encoding: .utf8)
        let note = "```sh not-run: it makes a group, and needs root and two users\n"
        let recipe = try #require(page.components(separatedBy: note).dropFirst().first?.components(separatedBy: "```").first)
        let settings = try #require(page.components(separatedBy: "and in `twindrop.yaml`:\n\n").dropFirst().first)
            .split(separator: "\n", omittingEmptySubsequences: false).prefix { $0.hasPrefix("    ") }.map { $0.dropFirst(4) }
        let scratch = "/tmp/td-recipe-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: scratch) }
        let ended = try Program.run(
            "unshare",
            [
                "--mount", "/bin/bash", "-c", Recipe.script, "recipe", scratch, Program.folder, recipe,
                settings.joined(separator: "\n"),
            ]
        )
        #expect(ended.code == 0 && ended.out.hasSuffix("as promised\n"), "\(ended.out)\(ended.err)")
    }
}

private enum Recipe {
    static let isPossible: Bool = {
        let needs = "test \"$(id -u)\" = 0 && command -v useradd setpriv >/dev/null && unshare --mount mount --make-rprivate /"
        if let ended = try? Program.tool("sh", "-c", needs), ended.code == 0 { return true }
        print("SKIPPED: the recipe for two users needs root, useradd, setpriv and mount namespaces.")
        return false
    }()

    /// Arguments: a folder to be made, the programs, the commands of the page, the settings of the page.
    static let script = """
        set -eu
        scratch=$1 bin=$2 recipe=$3 settings=$4
        mkdir -p "$scratch/srv"
        chmod 755 "$scratch" "$scratch/srv"
        mount --make-rprivate /
        cp -a /etc "$scratch/etc"
        mount --bind "$scratch/etc" /etc
        mount --bind "$scratch/srv" /srv
        for user in twindrop erp stranger; do
            getent passwd $user >/dev/null || useradd --system --user-group --no-create-home --shell /bin/sh $user
        done
        eval "$recipe"

        # The programs lie where other users may not look: the installed tree is readable by all.
        mkdir -p "$scratch/bin/release"
        cp "$bin"/twindrop "$bin"/twindrop-worker "$bin"/twindrop-watch "$scratch/bin/release"
        cp -R "$(dirname "$bin")/plugins" "$scratch/plugins"
        chmod -R a+rX "$scratch/bin" "$scratch/plugins"
        install -d -o twindrop -g twindrop -m 0700 "$scratch/kept"
        printf '%s\\nsources: {erp: {plugin: wms-orders, ready: {rule: rename}}}\\n' "$settings" >"$scratch/kept/twindrop.yaml"
        chown twindrop: "$scratch/kept/twindrop.yaml"

        as() { user=$1; shift; setpriv --reuid=$user --regid=$user --init-groups --inh-caps=-all /bin/sh -c "umask 027; $*"; }
        must() { as "$@" || { echo "$* must work" >&2; exit 1; }; }
        must_not() { if as "$@" 2>/dev/null; then echo "$* must not work" >&2; exit 1; fi; }
        orders='forklift_id,battery_pct,order_id,priority,from_bin,to_bin,quantity,assigned_at
        FL-1,50,7,1,A,B,1,2026-11-21T08:50:00Z
        '
        zone=/srv/exchange/dropzone receipts=/srv/exchange/receipts
        must erp "printf '%s' '$(printf '%s' "$orders" | sed 's/^ *//')' >$zone/erp/o.part && mv $zone/erp/o.part $zone/erp/orders.csv"
        must twindrop "cd / && exec $scratch/bin/release/twindrop run --once --home $scratch/kept"
        must erp "grep -q '\\"outcome\\"' $receipts/erp/orders.csv.receipt.json"
        must_not erp "test -e $zone/erp/orders.csv"
        must_not erp "echo x >$receipts/erp/mine"
        must_not erp "ls $zone"
        must_not erp "cat $scratch/kept/twindrop.yaml"
        must_not stranger "cat $receipts/erp/orders.csv.receipt.json"
        must_not stranger "touch $zone/erp/x"
        must_not stranger "ls $zone/erp"
        echo as promised
        """
}
