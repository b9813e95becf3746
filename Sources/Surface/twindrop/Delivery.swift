import CodecKit
import HomeConfiguration
import DropCore
import DropWatch
import Foundation
import HomeReports

/// Hands one file over as a careful sender would: written beside under a temporary name, synced, renamed.
struct Delivery {
    /// A file that lies in the drop zone now.
    struct Placed {
        let path: String
        let name: FileName
        let source: Source
        let inode: UInt64
        /// Its ctime before the rename: a file that had the same inode before it was changed earlier.
        let changeTime: Int64
    }

    let file: String
    let source: Source
    /// Under which name; nil: its own.
    let name: String?
    let paths: Configuration.Paths

    init(of file: String, to source: Source, as name: String? = nil, in home: Home) {
        self.file = file
        self.source = source
        self.name = name
        paths = home.paths
    }

    /// Makes the landing folder where the next start would. One that was there before may be a mount that is away, or was moved
    /// with the files in it: a new one in its place would hide that (docs/decisions/0031-landing-folders-and-waiting-files.md).
    private func makeFolder() throws(CommandFailure) {
        let folder = source.watched.folder
        let ownership = FolderOwnership(instance: "", stateFolder: paths.state)
        if Folders.exists(folder) {
            guard ownership.isUnmounted(folder) else { return }
            throw refusal(.folderUnmounted, "was taken over before, and its .twindrop-owner file is gone", "")
        }
        guard !ownership.wasTaken(folder), folder.hasPrefix(paths.dropzone + "/") else {
            throw refusal(.folderMissing, "is not there", "Mount the file system it is on, or put it back. ")
        }
        try reporting { () throws(DropError) in try Folders.make([folder], forSenders: true) }
    }

    private func refusal(_ code: WaitingReason.Code, _ what: String, _ first: String) -> CommandFailure {
        let folder = Escaping.visible(source.watched.folder)
        return CommandFailure(
            .negative,
            lines: [
                "The landing folder \(folder) of source \(source.name) \(what) [\(code.rawValue)].", first + code.step,
            ], word: code.rawValue)
    }

    func place() throws(CommandFailure) -> Placed {
        let name =
            try self.name.map { (name) throws(CommandFailure) in try PlainName.check(name) }
            ?? URL(fileURLWithPath: file).lastPathComponent
        try checkName(name)
        let folder = source.watched.folder
        let target = folder + "/" + name
        let temporary = folder + "/" + TemporaryName.of(name)
        try makeFolder()
        try checkFile()
        guard !FileManager.default.fileExists(atPath: target) else {
            throw CommandFailure(
                .negative, "\(target) is there already and waits to be processed.",
                "Give the file another name, or ask `twindrop why \(target)`.")
        }
        let opened = try copy(to: temporary)
        defer { opened.close() }
        try FileCalls.rename(temporary, to: target)
        if source.watched.readiness.kind == .marker {
            // A daemon that runs as another user has to read it.
            let marker = target + source.watched.readiness.markerSuffix
            guard FileManager.default.createFile(atPath: marker, contents: nil, attributes: [.posixPermissions: 0o644]) else {
                throw CommandFailure(.storage, "The marker of \(target) cannot be written.")
            }
        }
        return Placed(path: target, name: FileName(name), source: source, inode: opened.inode, changeTime: opened.changeTime)
    }

    /// Runs `body` while the file lies in the landing folder under a temporary name, which nobody takes; removes it then.
    ///
    /// - Parameter body: gets the name.
    func placedAside<T>(_ body: (_ name: String) throws(CommandFailure) -> T) throws(CommandFailure) -> T {
        let name = TemporaryName.of(FileCalls.process.description)
        try makeFolder()
        try checkFile()
        let path = source.watched.folder + "/" + name
        defer { FileCalls.remove(path) }
        try copy(to: path).close()
        return try body(name)
    }

    /// A name that the source never takes would lie there for ever.
    private func checkName(_ name: String) throws(CommandFailure) {
        let why: String
        switch NameRule(source.watched).answer(for: FileName(name)) {
        case .data: return
        case .unmatched where source.watched.probes: return
        case .unmatched: why = "its patterns are \(source.watched.patterns.joined(separator: ", "))"
        case .ignored(let pattern): why = "\(pattern) is a pattern of temporary names"
        case .marker: why = "that is the name of a marker, which says that another file is complete"
        case .ours: why = "names that begin with .twindrop- are TwinDrop's own"
        }
        throw CommandFailure(
            .usage, "Source \(source.name) takes no file that is called \(Escaping.visible(name)): \(why).",
            "Hand it over under another name, with `--as NAME`.")
    }

    private func checkFile() throws(CommandFailure) {
        guard FileCalls.isFile(file) else {
            throw CommandFailure(
                .usage, "There is no file \(Escaping.visible(file)).",
                "Name the file to hand over, or a link to it; a folder, FIFO or device cannot be dropped.")
        }
    }

    /// The copy, open and synced; the caller closes it.
    private func copy(to temporary: String) throws(CommandFailure) -> FileCalls.Opened {
        do {
            try? FileManager.default.removeItem(atPath: temporary)  // A leftover of a process with the same number.
            // Of a link the file it leads to: a link in the drop zone is never followed.
            let bytes = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
            try FileManager.default.copyItem(atPath: bytes, toPath: temporary)
        } catch {
            throw CommandFailure(
                .storage, "\(file) cannot be copied to \(source.watched.folder): \(error.localizedDescription)")
        }
        let opened = try FileCalls.open(temporary)
        guard opened.sync() else {
            opened.close()
            throw CommandFailure(.storage, "\(temporary) cannot be synced.", "Check the disk.")
        }
        return opened
    }
}
