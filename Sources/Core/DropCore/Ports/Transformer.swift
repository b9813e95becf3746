/// One drop, ready to be transformed.
package struct TransformJob: Sendable {
    package let drop: DropID
    package let source: SourceName
    package let fileName: FileName
    /// An open descriptor on the spooled file, read-only, at offset 0; the caller keeps it open for the call.
    package let descriptor: CInt
    package let bytes: UInt64
    /// Asked before every wait; true ends the transform with the error `cancelled`.
    package let isCancelled: @Sendable () -> Bool

    package init(
        drop: DropID, source: SourceName, fileName: FileName, descriptor: CInt, bytes: UInt64,
        isCancelled: @escaping @Sendable () -> Bool = { false }
    ) {
        self.drop = drop
        self.source = source
        self.fileName = fileName
        self.descriptor = descriptor
        self.bytes = bytes
        self.isCancelled = isCancelled
    }
}

/// Receives a transform's output. Called on one thread, in order.
package protocol OperationSink: AnyObject {
    /// Takes the payload of one frame: whole entries of the form `OperationStream.swift` describes. The bytes are hostile: the
    /// sink checks them and throws `protocol` when they break the form. They are valid only during the call.
    func absorb(_ entries: RawSpan) throws(DropError)

    /// Forgets everything it got so far, because the transform runs again from the start in a new worker.
    func restart() throws(DropError)
}

/// Runs the plugins of sources. Blocking; called on a thread of its own, several drops at once.
package protocol Transformer: Sendable {
    /// Streams the operations of one drop into `sink`. Returns only after the plugin said TD_OK and the stream was complete (its
    /// END frame has the right counts and hash). `ran` gets the plugin that ran and its log, even when an error is thrown. It
    /// stays nil if no plugin was found.
    ///
    /// Errors: `refused` (the plugin does not read this input), `protocol`, `crashed`, `timeout`, `limit`, `cancelled`: remedy
    /// quarantine, after the one retry the host does itself; `settings`, `plugin-missing`, `plugin-suspended`, `abi`: remedy
    /// suspendSource; `worker-start`: retry, where memory, processes or descriptors are short.
    func transform(_ job: TransformJob, into sink: any OperationSink, ran: inout TransformSummary?) throws(DropError)

    /// Reads the files of the source again if they changed on disk, and returns the digest of all of them. The next drop runs
    /// with exactly these (`ApplyJob.transformDigest`).
    ///
    /// Errors: the reason why they cannot be used (remedy suspendSource); `plugin-changing` (retry) while a file is being
    /// written; `worker-start` (retry) as above.
    func transformDigest(of source: SourceName) throws(DropError) -> ContentDigest

    /// The same for a drop that was claimed at `claimedAt` (milliseconds since 1970). The files are not examined again if that
    /// was done after the claim, a few milliseconds ago: thousands of small files would spend their time on it.
    func transformDigest(of source: SourceName, claimedAt: UInt64) throws(DropError) -> ContentDigest

    /// How the text of the source is written, by the files that `transformDigest(of:)` read last; nil if that is not known.
    func dialect(of source: SourceName) -> TextDialect?
}

extension Transformer {
    package func transformDigest(of source: SourceName, claimedAt: UInt64) throws(DropError) -> ContentDigest {
        try transformDigest(of: source)
    }

    package func dialect(of source: SourceName) -> TextDialect? { nil }

    /// The same, for a caller that does not need the log of a failed plugin.
    package func transform(_ job: TransformJob, into sink: any OperationSink) throws(DropError) -> TransformSummary {
        var ran: TransformSummary?
        try transform(job, into: sink, ran: &ran)
        guard let ran else { preconditionFailure("a transform that succeeds says what ran") }
        return ran
    }
}
