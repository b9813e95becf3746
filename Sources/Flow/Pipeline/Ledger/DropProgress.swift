package import DropCore

/// How far the transform of one drop is.
package struct DropProgress: Sendable {
    package let drop: DropID
    package let source: SourceName
    package let fileName: FileName
    /// Size of the file.
    package let bytes: UInt64
    package let began: ContinuousClock.Instant
    /// Records read so far, and the bytes of the file they, headers and footers make up.
    package private(set) var records: UInt64 = 0
    package private(set) var bytesRead: UInt64 = 0

    init(_ record: DropRecord) {
        (drop, source, fileName, bytes, began) = (record.id, record.source, record.fileName, record.bytes, .now)
    }

    mutating func note(_ books: DropBooks) { (records, bytesRead) = (books.recordsRead, books.bytesAccounted) }
}

/// Passes a transform's output on and notes how far it is, at most ten times a second.
final class ProgressSink: OperationSink {
    private let builder: any ChangeSetBuilder
    private let note: (DropBooks) -> Void
    private var next = ContinuousClock.now + .milliseconds(100)

    init(_ builder: any ChangeSetBuilder, _ note: @escaping (DropBooks) -> Void) {
        self.builder = builder
        self.note = note
    }

    func absorb(_ entries: RawSpan) throws(DropError) {
        try builder.absorb(entries)
        let now = ContinuousClock.now
        guard now >= next else { return }
        next = now + .milliseconds(100)
        note(builder.books)
    }

    func restart() throws(DropError) {
        try builder.restart()
        note(DropBooks())
    }
}
