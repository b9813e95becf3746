import ArgumentParser
import Daemon
import DropCore
import DropSpooling
import HomeConfiguration
import Foundation
import HomeReports
import TwinModel
import TwinStore

extension SourceCommand {
    /// Takes landing folders over, because a person says that they are right as they are.
    struct Adopt: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "adopt", abstract: "Takes a source's landing folder over as it is.",
            discussion: """
                A folder that belongs to another TwinDrop instance, or that was taken over before and has lost its owner file, is not
                watched: it may be another one's, or an empty mount point. This says that it is right. With --all, every such folder
                of the home is taken over, the drop zone's own among them. Works beside a running daemon, which goes on at once.

                While the other instance runs and serves the folder, it is not taken over: stop that one first. With --while-in-use
                it is taken all the same, and the other one stops at its next claim.

                Example:
                  twindrop source adopt assets --reason "restored from backup"
                """)

        @OptionGroup var home: HomeOptions
        @Argument(help: "The source whose folder it is.") var source: String?
        @Flag(help: "Every folder that is not watched because it is not known to be ours.") var all = false
        @Flag(help: "Also a folder that another instance, which runs, serves.") var whileInUse = false
        @OptionGroup var why: ReasonOption

        mutating func run() throws {
            guard (source != nil) != all else {
                throw CommandFailure(
                    .usage, "Name one source, or give --all.", "`twindrop status` says which folders are not watched.")
            }
            let opened = try home.open()
            let name = try source.map { text throws(CommandFailure) in try opened.source(text).name }
            let what = name.map { "adopt the folder of \($0)" } ?? "adopt every folder"
            let reason = why.given(for: what, asks: !home.json)
            let request: JSON = [
                "do": "adopt", "source": name.map { .string($0.text) } ?? .null, "whileInUse": .bool(whileInUse),
                "reason": reason.map { .string($0) } ?? .null,
            ]
            let answer: JSON
            if let told = try ControlClient.ask(opened.controlSocket, request) {
                answer = told
            } else {
                answer = try alone(opened, name, reason)
            }
            if home.json { return Terminal.print(["adopted": answer]) }
            for one in answer.elements ?? [] {
                guard one["wasOurs"] != .bool(true) else {
                    Terminal.print("\(one["folder"]?.string ?? "") is ours already: nothing changed")
                    continue
                }
                let former = one["formerOwner"]?.string.map { ", which was of instance \($0)" } ?? ""
                Terminal.print("\(one["folder"]?.string ?? "") is ours now\(former)")
            }
            if answer.elements?.isEmpty != false { Terminal.print("Every folder is ours already.") }
        }

        /// No daemon runs: this process takes the lock.
        private func alone(_ opened: Home, _ name: SourceName?, _ reason: String?) throws(CommandFailure) -> JSON {
            try reporting { () throws(DropError) in
                try Folders.make([opened.paths.state])
                let lock = try HomeLock(state: opened.paths.state)
                let store = try TwinStore.open(folder: opened.paths.state)
                let adopted = try FolderAdoption.perform(
                    opened, store, name, whileInUse: whileInUse, by: Users.current, because: reason
                ) { (one) throws(DropError) in
                    try store.register.record(Act(.adopt, source: one.sourceName, facts: one.facts, reason: reason))
                }
                try store.close()
                try lock.release()
                return FolderAdoption.json(adopted)
            }
        }
    }
}
