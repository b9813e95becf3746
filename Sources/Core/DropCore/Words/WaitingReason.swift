import CodecKit

/// Why something that was delivered is not being processed: a file that lies in a drop zone, or a drop that waits in the spool.
///
/// One closed list, and one answer: `why`, `status`, `doctor`, `drop --wait`, `/readyz`, `/metrics` and the log give the same
/// code for the same file (docs/decisions/0031). docs/configuration.md has the list for people, which a test compares.
package struct WaitingReason: Sendable, Equatable {
    /// The reasons there are.
    package enum Code: String, Sendable, CaseIterable {
        // It passes by itself.
        case settling, writer, changed, queued, behind, ready, reading
        case markerMissing = "marker-missing"
        case manifest, marker
        case temporaryName = "temporary-name"
        // It stays until somebody does something about the file, …
        case notRenamed = "not-renamed"
        case unmatchedName = "unmatched-name"
        case noRoute = "no-route"
        case severalRoutes = "several-routes"
        case notWatched = "not-watched"
        case notAFile = "not-a-file"
        case tooBig = "too-big"
        case permissionDenied = "permission-denied"
        case manifestMismatch = "manifest-mismatch"
        case folderName = "folder-name"
        case unreadable
        // … about the disk, …
        case noRoom = "no-room"
        case diskFull = "disk-full"
        case archiveFull = "archive-full"
        case receiptsFull = "receipts-full"
        case receiptsUnusable = "receipts-unusable"
        // … about the landing folder, …
        case folderMissing = "folder-missing"
        case folderNotPermitted = "folder-not-permitted"
        case folderOwned = "folder-owned"
        case folderUnmounted = "folder-unmounted"
        // … or about the source.
        case sourceMistake = "source-mistake"
        case sourceSuspended = "source-suspended"
        case blocked
        case retrying
    }

    /// When a person has to look.
    package enum Attention: Sendable, Equatable {
        case never
        /// When it has lasted for `patience`.
        case whenOld
        case atOnce
    }

    /// How long a reason that ends by itself may last before a person should look: as long as a writer may hold a file open.
    package static let patience = Duration.seconds(900)

    package let code: Code
    /// A sentence that says what is the matter here; safe to show.
    package let message: String
    /// What to do next.
    package let hint: String

    /// - Parameters:
    ///   - message: nil: what the code says of every file.
    ///   - hint: nil: likewise.
    package init(_ code: Code, _ message: String? = nil, hint: String? = nil) {
        self.code = code
        self.message = message ?? code.sentence
        self.hint = hint ?? code.step
    }

    /// The reason behind an error that keeps a file where it is. An error with a code of its own counts as `unreadable`.
    package init(_ error: DropError) {
        self.init(Code(error.code) ?? .unreadable, Escaping.visible(error.message), hint: error.hint)
    }

    /// The reason of a drop in an ordered source, when an earlier drop of the source waits for a person.
    package init(behind drop: DropRecord) {
        let why = drop.reason.map { ": \($0.message)" } ?? ""
        let next =
            drop.state == .held
            ? "`twindrop release \(drop.id)` lets that one go on" : "`twindrop retry \(drop.id)` runs that one again"
        self.init(
            .blocked,
            "Source \(drop.source) keeps an order, and drop \(drop.id) (\(drop.fileName)) before it is \(drop.state.rawValue)\(why)",
            hint: next + ", `twindrop retry \(drop.id) --with FILE` runs a corrected file in its place, "
                + "`twindrop discard \(drop.id)` gives it up. What waits then goes on, in the order in which it came.")
    }

    /// Whether a person should look at something that has waited for `age`.
    package func needsPerson(after age: Duration) -> Bool {
        switch code.attention {
        case .never: false
        case .whenOld: age >= Self.patience
        case .atOnce: true
        }
    }
}

extension WaitingReason.Code {
    package var attention: WaitingReason.Attention {
        switch self {
        case .ready, .queued, .reading: .never
        case .settling, .writer, .changed, .behind, .markerMissing, .manifest, .marker, .temporaryName: .whenOld
        case .notRenamed, .unmatchedName, .noRoute, .severalRoutes, .notWatched, .notAFile, .tooBig, .permissionDenied,
            .manifestMismatch, .folderName, .unreadable, .noRoom, .diskFull, .archiveFull, .receiptsFull, .receiptsUnusable,
            .folderMissing, .folderNotPermitted, .folderOwned, .folderUnmounted, .sourceMistake, .sourceSuspended, .blocked,
            .retrying:
            .atOnce
        }
    }

    /// Whether `run --once` has left the file behind. False only for names which say that the file is not ready yet.
    package var isLeft: Bool { self != .temporaryName && self != .marker }

    /// Whether the whole landing folder is meant, and not the file.
    package var isOfFolder: Bool {
        [.folderMissing, .folderNotPermitted, .folderOwned, .folderUnmounted].contains(self)
    }

    /// Whether the reason is about a whole disk or folder, which is reported separately.
    package var isOfStorage: Bool { [.diskFull, .archiveFull, .receiptsFull, .receiptsUnusable].contains(self) }

    /// The general sentence for any file.
    package var sentence: String {
        switch self {
        case .settling: "TwinDrop has not seen it unchanged for long enough."
        case .writer: "A program has it open for writing."
        case .changed: "It was complete, and changed while it was taken."
        case .queued: "It is complete and waits for its turn."
        case .behind: "A file of its source that comes before it cannot be taken yet."
        case .ready: "It is complete, and no daemon runs."
        case .reading: "It is claimed, and being read for its SHA-256."
        case .markerMissing: "Its marker is not there."
        case .manifest: "Its manifest cannot be read, or does not agree with it."
        case .marker: "It is a marker whose data file is not there."
        case .temporaryName: "Its name is a temporary one."
        case .notRenamed: "It was written under its own name, and its source takes only files that are renamed (ready: rename)."
        case .unmatchedName: "No pattern of its source fits its name."
        case .noRoute: "It lies in the drop zone itself, and no source's patterns fit its name."
        case .severalRoutes: "It fits more than one source, and none of them is certain."
        case .notWatched: "It is in a folder that no source watches."
        case .notAFile: "It is not a regular file."
        case .tooBig: "It is larger than its source takes."
        case .permissionDenied: "TwinDrop may not take it."
        case .manifestMismatch: "It has another SHA-256 than its manifest states."
        case .folderName: "The name of its folder is not valid UTF-8."
        case .unreadable: "It cannot be examined."
        case .noRoom: "There is no room to copy it into the state folder."
        case .diskFull: "The disk of the state folder is full."
        case .archiveFull: "The disk of the archive is full."
        case .receiptsFull: "The disk of the receipts folder is full."
        case .receiptsUnusable: "The receipts of its source cannot be written."
        case .folderMissing: "Its landing folder cannot be opened."
        case .folderNotPermitted: "TwinDrop may not work in its landing folder."
        case .folderOwned: "Its landing folder belongs to another TwinDrop instance."
        case .folderUnmounted:
            "Its landing folder was taken over before, its .twindrop-owner file is gone, and it may be an empty mount point."
        case .sourceMistake: "Its source is not served: the configuration of the source has a mistake."
        case .sourceSuspended: "Its source is suspended: its plugin, settings or mapping cannot be used."
        case .blocked: "Its source keeps an order, and an earlier drop of it waits for a person."
        case .retrying: "Something that it needs is repeatedly not available."
        }
    }

    /// The next step, of any file.
    package var step: String {
        switch self {
        case .settling: "It is taken when it has not changed for the source's settle time."
        case .writer: "It is taken when the program closes it; `fuser` names the program."
        case .changed: "It is tried again."
        case .queued: "You need not do anything."
        case .behind: "Look at the file before it: `twindrop status` names it."
        case .ready: "Start `twindrop run`."
        case .reading: "You need not do anything: a large file takes a while."
        case .markerMissing: "Deliver the marker."
        case .manifest: "Correct the manifest, or deliver the file again."
        case .marker: "Deliver the data file."
        case .temporaryName: "It is taken once its writer renames it."
        case .notRenamed: "Rename it, or set ready.rule of the source to close or stable."
        case .unmatchedName: "Rename it, move it away, or give the source a pattern for it."
        case .noRoute: "Move it into a source's folder, or give a source a pattern for it."
        case .severalRoutes: "Move it into the folder of its source."
        case .notWatched: "Move it into a source's folder."
        case .notAFile: "Put the file itself into the folder; links, FIFOs and devices are never followed."
        case .tooBig: "Deliver it in parts, or raise limits.file-size of the source."
        case .permissionDenied: "Let TwinDrop's user read it, and write in its folder."
        case .manifestMismatch: "Deliver the file again, or correct the manifest."
        case .folderName: "Rename the folder."
        case .unreadable: "Check the disk and the file's permissions; it is tried again."
        case .noRoom: "Make room on the file system of the state folder; it is tried again."
        case .diskFull: "Make room on the file system of the state folder; then files are taken again."
        case .archiveFull: "Make room on the file system of the archive folder; then drops are archived."
        case .receiptsFull: "Make room on the file system of the receipts folder; then receipts are written."
        case .receiptsUnusable: "Let TwinDrop's user write in the named folder; then the receipts are written."
        case .folderMissing: "Create it, or correct the source's folder."
        case .folderNotPermitted: "Let TwinDrop's user read and write in the folder."
        case .folderOwned: "Give each instance a folder of its own; `twindrop source adopt` takes this one over."
        case .folderUnmounted: "Mount the file system it is on; `twindrop source adopt` takes the folder over as it is."
        case .sourceMistake: "`twindrop source check` names every mistake; correct them."
        case .sourceSuspended:
            "`twindrop status` says why. Correct it: the source then continues by itself, or with the next start after a "
                + "change of twindrop.yaml."
        case .blocked: "Release, retry or discard the earlier drop: `twindrop drops --state held,quarantined` lists them."
        case .retrying: "Correct what the reason names; it is tried again by itself."
        }
    }
}

/// A file that lies in a drop zone and is not being processed.
package struct WaitingFile: Sendable, Equatable {
    /// Nil if no source is responsible.
    package let source: SourceName?
    /// The folder it lies in; safe to show.
    package let folder: String
    package let name: FileName
    package let reason: WaitingReason
    /// Since it came or changed last, as far as its file system's clock tells.
    package let age: Duration

    package init(source: SourceName?, folder: String, name: FileName, reason: WaitingReason, age: Duration) {
        self.source = source
        self.folder = folder
        self.name = name
        self.reason = reason
        self.age = age
    }

    package var needsPerson: Bool {
        // Files such as .gitkeep are nobody's delivery.
        if reason.code == .temporaryName, name.bytes.first == UInt8(ascii: ".") { return false }
        return reason.needsPerson(after: age)
    }
}
