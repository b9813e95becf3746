extension DropError {
    /// Which error it is: one closed list. Receipts, `--json`, the archive and the database have the raw value, a word in
    /// lower-case-with-hyphens that stays as it is (docs/versioning.md, "What is public").
    ///
    /// docs/errors.md is made of these comments by scripts/reference: the headings and the texts below them, and for each code
    /// when it happens and, behind `- Next:`, what to do.
    package enum Code: String, Sendable, CaseIterable, CustomStringConvertible {
        // MARK: A drop is quarantined
        // The drop could not be processed and nothing of it was applied. Its bytes and the reason are kept for a person. A
        // command that waits for the drop, and one that is refused for this reason, ends with 1.

        /// The rows of corrected rejects cannot be put into the file they come from.
        /// - Next: Correct the file of rejects as it was given out, keep its column of marks, and deliver it again.
        case amendment
        /// The archive holds this drop as closed already. The database is older than the archive, as after a restore.
        /// - Next: `twindrop retry DROP` runs it again out of the archive; `twindrop discard DROP` leaves the graph as it is.
        case archivedBefore = "archived-before"
        /// A property value of the record cannot be kept.
        /// - Next: Correct the record and deliver the file again.
        case badValue = "bad-value"
        /// The bytes of the drop are neither in the spool nor in the archive.
        /// - Next: Put the file back where the message says and retry the drop, or have it delivered again and discard this drop.
        case bytesMissing = "bytes-missing"
        /// The bytes in the spool are not those that arrived.
        /// - Next: Find out who writes into the state folder, check the disk, and have the file delivered again.
        case contentChanged = "content-changed"
        /// The plugin crashed on the file, also on a second try.
        /// - Next: `twindrop show DROP` has what it logged. Correct the plugin, then retry the drop.
        case crashed
        /// The file has no byte, and the source says `empty: refuse`. With `empty: hold` the drop is held.
        /// - Next: Deliver the file again, or set `empty: record` for the source.
        case emptyFile = "empty-file"
        /// The daemon ended by a fault twice while it worked on this drop.
        /// - Next: Report it with the file and the log. Retry the drop with a newer version, or discard it.
        case endedTheDaemon = "ended-the-daemon"
        /// The plugin could not read the file.
        /// - Next: Check the disk of the state folder, then retry the drop.
        case inputFailed = "input-failed"
        /// The drop passes a limit of its source or of TwinDrop: time, memory, output, operations.
        /// - Next: The message names the limit. Split the file, correct the plugin or raise the limit, then retry the drop.
        case limit
        /// The file has another SHA-256 than its manifest states.
        /// - Next: Deliver the file again, or correct the manifest.
        case manifestMismatch = "manifest-mismatch"
        /// A marker was there for long, and its data file did not come.
        /// - Next: Deliver the data file with a new marker.
        case markerWithoutData = "marker-without-data"
        /// The source has so many names of properties and models that no more fit.
        /// - Next: `twindrop forget-names` removes those that no twin uses. Then retry the drop.
        case namesFull = "names-full"
        /// The name of the file does not fit the `sequence` of its source.
        /// - Next: Deliver it under a name that fits, or correct `sequence`, then retry the drop.
        case noPlace = "no-place"
        /// The source of the drop is not configured any more.
        /// - Next: Configure it again and retry the drop, or discard it.
        case noSource = "no-source"
        /// The plugin reports a defect of its own.
        /// - Next: `twindrop show DROP` has what it logged. Correct the plugin, then retry the drop.
        case pluginFailed = "plugin-failed"
        /// The output of the plugin breaks the form that docs/plugin-abi.md describes.
        /// - Next: Correct the plugin, then retry the drop.
        case `protocol` = "protocol"
        /// The file is not what the plugin reads.
        /// - Next: Correct the file and `twindrop retry DROP --with FILE`, or correct the mapping or settings and retry the drop.
        case refused
        /// A program has had the file open for writing for long, without changing it. What it holds now is kept; the file itself
        /// stays.
        /// - Next: End the program; `fuser` names it. The file is taken when it is closed.
        case stillOpen = "still-open"
        /// The machine went down while the file was being written, and nothing vouches for its end.
        /// - Next: Compare it with the sender's file: retry the drop where it is whole, else deliver it again.
        case suspectTruncated = "suspect-truncated"
        /// The plugin took longer than its limits allow.
        /// - Next: Correct the plugin, or raise the limits of the source, then retry the drop.
        case timeout
        /// So many records were refused that their reasons are not kept any more.
        /// - Next: The file is not what the mapping reads: correct one of them.
        case tooManyRejects = "too-many-rejects"
        /// The bytes of the drop cannot be read from the spool.
        /// - Next: Check the disk, then deliver the file again.
        case unreadable

        // MARK: A drop is held
        // Nothing was applied. The drop waits for a person: `twindrop show DROP --diff` shows what it would do, `twindrop release
        // DROP` lets it go on, `twindrop discard DROP` gives it up. A command that waits for the drop ends with 1.

        /// The drop corrects rejects of a drop that is held itself.
        /// - Next: Release the other drop first; this one goes on behind it.
        case amendedHeld = "amended-held"
        /// The drop corrects rejects of a list that was read by another plugin, mapping or setting, and what that list does not
        /// name today would be deleted.
        /// - Next: Discard it and deliver the whole file anew. Released, it applies its records and deletes nothing by absence.
        case amendedOtherwise = "amended-otherwise"
        /// The drop would delete more than its source allows at once.
        /// - Next: Look whether the file is complete. Release the drop if the deletes are meant.
        case guardDeletes = "guard-deletes"
        /// More records were refused than the source allows.
        /// - Next: Correct the file or the mapping, or release the drop to apply the other records.
        case guardRejects = "guard-rejects"
        /// The drop came after one that it belongs before.
        /// - Next: Discard it, or release it if the older state is the right one.
        case late
        /// The drop came late, and it cannot be told which of its statements are out of date.
        /// - Next: Correct the refused records of the newer drop, or decide and release or discard this one.
        case lateUndecided = "late-undecided"
        /// The name says corrected rejects, and the content does not fit that.
        /// - Next: Keep the column of marks of the file that was given out, or rename the file if it is a delivery of its own.
        case looksLikeRejects = "looks-like-rejects"
        /// Every record was refused.
        /// - Next: Correct the file and `twindrop retry DROP --with FILE`; or correct the mapping, or the rows in the file of
        ///   rejects, and release the drop.
        case nothingUsable = "nothing-usable"
        /// A person wants to go on with a drop that came too late.
        /// - Next: Discard it, or give `--force` if the older state is the right one.
        case olderDrop = "older-drop"
        /// A person wants to go on with a list that is older than one that was applied.
        /// - Next: Discard it, or give `--force` if the older state is the right one.
        case olderSnapshot = "older-snapshot"

        // MARK: A drop ended without an error
        // The reason that `show`, receipts and `--json` give for drops that changed nothing, or less than they say.

        /// A person gave the drop up before it was applied.
        /// - Next: Deliver the file again if it is wanted after all.
        case discarded
        /// The bytes are those of an earlier drop of the source.
        /// - Next: Nothing. Set `duplicates: process` to apply repetitions.
        case duplicate
        /// A newer drop, or a later record of the same file, says something else about the same twins, and that stands.
        /// - Next: Nothing, if the newer state is the right one. Records that are things of their own need ids of their own.
        case superseded

        // MARK: Something is tried again by itself
        // Nothing is wrong with the drop. `twindrop status` and `twindrop why` name the reason when it lasts longer than three
        // seconds. A command that cannot wait ends with 74.

        /// The drop corrects rejects of a drop that is on its way.
        /// - Next: Nothing.
        case amendedOnItsWay = "amended-on-its-way"
        /// Drops before this one in its source are not committed yet.
        /// - Next: Nothing.
        case behind
        /// Another program has the database open.
        /// - Next: Close programs that have `state/twin.db` open.
        case busy
        /// The work was ended by a stop.
        /// - Next: Nothing: it runs again at the next start.
        case cancelled
        /// Others changed twins of the drop while it was compared.
        /// - Next: Nothing: it is read once more and then keeps what it reads.
        case conflict
        /// The process has no descriptor left.
        /// - Next: Raise the limit of open files (`LimitNOFILE` of the unit).
        case descriptors
        /// A disk is full, or has less free than `limits.free-space` keeps.
        /// - Next: Make room. The message names the folder.
        case diskFull = "disk-full"
        /// A drop of the source is being worked on.
        /// - Next: Try again when its folder is empty.
        case inWork = "in-work"
        /// The database was interrupted.
        /// - Next: Ask for less.
        case interrupted
        /// No thread can be started to write what does not fit in memory.
        /// - Next: Raise the limit of tasks or memory of the service.
        case noThread = "no-thread"
        /// TwinDrop may not take a file out of its folder.
        /// - Next: Let its user read the file, and write in the folder.
        case permissionDenied = "permission-denied"
        /// A file of the plugin or mapping was changed a moment ago.
        /// - Next: Nothing: it is read when it has been still for a second.
        case pluginChanging = "plugin-changing"
        /// A query took longer than it may.
        /// - Next: Narrow it: by `$dtId`, by model, or by a property that the configuration declares indexed.
        case queryTimeout = "query-timeout"
        /// The disk of the receipts folder is full.
        /// - Next: Make room there; receipts are written by themselves then.
        case receiptsFull = "receipts-full"
        /// The receipts of a source cannot be written.
        /// - Next: Let TwinDrop's user write in the folder that the message names.
        case receiptsUnusable = "receipts-unusable"
        /// The machine lacks memory or descriptors just now.
        /// - Next: Raise the limits of the service.
        case resources
        /// A worker cannot be started just now.
        /// - Next: Raise the service's limits of memory, processes or open files if it happens often.
        case workerStart = "worker-start"

        // MARK: A source does not go on
        // Its files wait, other sources go on. `twindrop status` shows the source as suspended. It goes on by itself once the
        // cause is corrected. A command that needs the source ends with 64.

        /// Library, manifest and host do not agree.
        /// - Next: Where the message says that the manifest is not that of the library, correct its `id` and `version`. Else
        ///   install the version of the plugin that its manifest names, built for ABI 1.
        case abi
        /// The landing folder cannot be opened.
        /// - Next: Create it, or correct the `folder` of the source.
        case folderMissing = "folder-missing"
        /// TwinDrop may not work in the landing folder.
        /// - Next: Let its user read and write in the folder, and pass the folders above it.
        case folderNotPermitted = "folder-not-permitted"
        /// The landing folder belongs to another TwinDrop.
        /// - Next: Give each instance a folder of its own. `twindrop source adopt` takes this one over.
        case folderOwned = "folder-owned"
        /// The landing folder was taken over before, its `.twindrop-owner` is gone, and it is not on the file system of the state
        /// folder: its own may not be mounted.
        /// - Next: Mount it. `twindrop source adopt` takes the folder over as it is.
        case folderUnmounted = "folder-unmounted"
        /// The library has another SHA-256 than its manifest pins.
        /// - Next: Install the library the manifest was made for, or correct its `sha256`.
        case pluginDigest = "plugin-digest"
        /// Two manifests are of the same plugin.
        /// - Next: Remove one of them.
        case pluginDouble = "plugin-double"
        /// The folder of plugins cannot be listed.
        /// - Next: Make the folder, or correct `paths`.
        case pluginFolder = "plugin-folder"
        /// The manifest of the plugin is missing or cannot be read.
        /// - Next: docs/plugin-abi.md shows one.
        case pluginManifest = "plugin-manifest"
        /// There is no such plugin, or its library cannot be loaded.
        /// - Next: Install a build for this machine, or correct `plugin` of the source.
        case pluginMissing = "plugin-missing"
        /// The plugin failed on several drops in a row.
        /// - Next: Replace the plugin, or retry one of the drops if the cause is gone.
        case pluginSuspended = "plugin-suspended"
        /// The kernel lacks a layer of the sandbox, and the configuration requires all of them.
        /// - Next: Run a kernel that has them, or set `limits.worker.sandbox: available`.
        case sandbox
        /// The plugin does not accept its settings or mapping, or a file that they name has a mistake.
        /// - Next: Correct what the message names.
        case settings

        // MARK: An act is refused
        // What a person asked for cannot be done with this drop. The command ends with 1.

        /// The drop is committed already.
        /// - Next: Nothing.
        case alreadyApplied = "already-applied"
        /// There is no such drop.
        /// - Next: `twindrop drops` lists them.
        case noDrop = "no-drop"
        /// The bytes of the drop are not in the archive yet.
        /// - Next: Try again in a moment.
        case notArchived = "not-archived"
        /// The drop is still being read.
        /// - Next: Try again in a moment.
        case notYet = "not-yet"
        /// The history before that time was removed, by `retention`.
        /// - Next: Ask for a later time.
        case pruned
        /// The receipt of the drop is damaged.
        /// - Next: `twindrop show DROP` has its facts.
        case receipt
        /// The drop is in a state in which this act is not possible.
        /// - Next: The message names the states that are.
        case wrongState = "wrong-state"

        // MARK: The daemon ends, or does not start
        // Storage cannot be trusted, or another process holds the home. The daemon and the command end with 74, with 75 for
        // `locked`. Under systemd the daemon is started again after 74.

        /// The archive lacks what the database has archived.
        /// - Next: Mount or restore the archive folder. `twindrop run --new-archive` goes on with what is there.
        case archive
        /// The twin database is damaged.
        /// - Next: `twindrop restore FILE` with the newest backup (docs/operations.md).
        case damaged
        /// The database lacks what the archive proves, or is not there.
        /// - Next: Put the files back or restore a backup. `twindrop run --accept-database` goes on with what is there.
        case database
        /// The stored names of a source are damaged.
        /// - Next: `twindrop doctor`, then restore a backup.
        case keyTable = "key-table"
        /// Another process holds the home.
        /// - Next: Stop it first: a home has one instance.
        case locked
        /// The disk gives read or write errors.
        /// - Next: Replace the disk, then restore database and archive from a backup.
        case medium
        /// A file of the archive is missing. For a drop that the archive does not have, the command ends with 1.
        /// - Next: Put the file back, or restore it from a backup.
        case missing
        /// The scratch folder cannot be used.
        /// - Next: Check the folder `state/spool` and its disk.
        case scratch
        /// A file or the database cannot be read or written.
        /// - Next: Check the disk and the permissions, then start again.
        case storage
        /// A file of the archive is not what it must be.
        /// - Next: `twindrop verify` tells more. Keep the archive as it is, and restore it from a backup.
        case unsound

        // MARK: A reason of another version
        // Nothing ends with this.

        /// The database has a reason that this version does not know: a newer one wrote it. Its sentence says what is the matter.
        /// - Next: Use the newer version.
        case unknown

        /// The word, as it is stored and shown.
        package var text: String { rawValue }

        package var description: String { rawValue }

        /// The code that a database or a file states.
        package init(stored text: String) { self = Code(rawValue: text) ?? .unknown }
    }
}

extension WaitingReason.Code {
    /// The code of a file or drop that waits because of an error; nil where the error has no reason of its own.
    package init?(_ code: DropError.Code) { self.init(rawValue: code.rawValue) }
}

extension Rejection {
    /// Why the host itself refuses a record. A plugin has words of its own beside these.
    package enum Fault: String, Sendable, CaseIterable {
        /// A property has a value that its type cannot keep, or that its model does not allow.
        /// - Next: Correct the value.
        case badValue = "bad-value"
        /// A corrected row came back with a cell that lost its leading zeros, its blanks or its last digits, as spreadsheets do.
        /// - Next: Correct the row in a text editor. If the cell is meant so, deliver the whole file anew.
        case cellChanged = "cell-changed"
        /// The record was corrected by an earlier delivery.
        /// - Next: Nothing; or drop the change as a delivery of its own, without the column of marks.
        case correctedAlready = "corrected-already"
        /// A relationship names a twin that does not exist, and the source says `dangling: reject`.
        /// - Next: Deliver the twin first, or set `dangling: wait`.
        case dangling
        /// The id of a twin or relationship cannot be one.
        /// - Next: Correct the id.
        case id
        /// A patch is of a twin that does not exist.
        /// - Next: Deliver the twin first.
        case missingTwin = "missing-twin"
        /// The record names a model that does not exist, or one outside of `scope.models` of the source.
        /// - Next: Upload the model, or correct the record.
        case model
        /// The model of the twin does not allow what the record says.
        /// - Next: Correct the record or the model.
        case modelRefused = "model-refused"
        /// The name of a property or relationship cannot be one.
        /// - Next: Correct the name.
        case name
        /// The source may not change this twin: its id has none of the prefixes in `scope.twin-prefixes`.
        /// - Next: Correct the record, or `scope.twin-prefixes` of the source.
        case prefix
    }
}
