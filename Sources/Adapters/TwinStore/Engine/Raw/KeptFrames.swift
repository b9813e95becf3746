import DropCore

/// The frames of a drop as they came, kept until its commit: what others change meanwhile is compared again out of them.
///
/// A small drop's are in memory. A large drop's go to a `SpillFile`, and only where somebody is known to write to twins of its
/// source, because that costs a copy of the whole stream. What cannot be kept is not: `isComplete` says so, and the drop goes on.
///
/// Used by one thread at a time.
@safe final class KeptFrames {
    /// Up to so many bytes stay in memory.
    static let memoryBytesMax = 2 << 20
    private static let blockBytes = 1 << 20

    /// Where the file is made; nil: what does not fit in memory is not kept.
    private let folder: String?
    private var frames: [[UInt8]] = []
    private var memoryBytes = 0
    /// False where some were not kept.
    private(set) var isComplete = true

    private var file: SpillFile?
    /// Lengths of the frames in the file and in `block`, in order.
    private var lengths: [Int] = []
    private var block: UnsafeMutableRawPointer?
    private var blockCapacity = 0
    private var blockUsed = 0
    /// The block that the file was given last.
    private var inFile: (block: UnsafeMutableRawPointer, capacity: Int)?
    private var spilled = 0

    /// - Parameter folder: for what does not fit in memory; nil: that is not kept.
    init(folder: String?) { self.folder = folder }

    /// Keeps nothing.
    static var none: KeptFrames {
        let nothing = KeptFrames(folder: nil)
        nothing.isComplete = false
        return nothing
    }

    deinit { drop() }

    /// True where they are in a file.
    var isSpilled: Bool { !lengths.isEmpty }

    func keep(_ bytes: borrowing Span<UInt8>) {
        guard isComplete else { return }
        if file == nil, memoryBytes + bytes.count <= Self.memoryBytesMax {
            memoryBytes += bytes.count
            frames.append(RawBytes.copy(bytes, 0..<bytes.count))
            return
        }
        guard let folder else { return forget() }
        do {
            if file == nil {
                file = try SpillFile(folder: folder)
                for frame in frames { try spill(frame.span) }
                frames = []
            }
            try spill(bytes)
        } catch {
            forget()  // The disk is full, for example: the drop is none the worse for it.
        }
    }

    /// Keeps nothing any more.
    func forget() {
        isComplete = false
        drop()
    }

    /// Calls `body` with each frame and where it begins in the stream.
    func forEach(
        _ body: (_ frame: borrowing Span<UInt8>, _ position: UInt64) throws(DropError) -> Void
    ) throws(DropError) {
        precondition(isComplete, "only what was kept whole is read")
        var position: UInt64 = 0
        for frame in frames {
            try body(frame.span, position)
            position += UInt64(frame.count)
        }
        guard let file else { return }
        try flush()
        var offset = 0
        for length in lengths {
            var frame = [UInt8](repeating: 0, count: length)
            try read(&frame, file, offset)
            try body(frame.span, UInt64(offset))
            offset += length
        }
    }

    // MARK: The file

    private func read(_ frame: inout [UInt8], _ file: SpillFile, _ offset: Int) throws(DropError) {
        var failure: DropError?
        unsafe frame.withUnsafeMutableBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            do throws(DropError) { try unsafe file.read(into: start, buffer.count, from: offset) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    private func spill(_ bytes: borrowing Span<UInt8>) throws(DropError) {
        if blockUsed + bytes.count > blockCapacity {
            try flush()
            if blockCapacity < bytes.count {
                unsafe block?.deallocate()
                blockCapacity = max(bytes.count, Self.blockBytes)
                unsafe block = .allocate(byteCount: blockCapacity, alignment: 16)
            }
        }
        let target = unsafe block! + blockUsed
        unsafe bytes.withUnsafeBufferPointer { source in
            guard let start = source.baseAddress else { return }
            unsafe target.copyMemory(from: start, byteCount: source.count)
        }
        blockUsed += bytes.count
        lengths.append(bytes.count)
    }

    /// Hands the block over, and goes on in the one that was written before.
    private func flush() throws(DropError) {
        guard let file, blockUsed > 0, let full = unsafe block else { return }
        try file.finishWrites()
        unsafe file.write(full, blockUsed, at: spilled)
        spilled += blockUsed
        blockUsed = 0
        let written = unsafe (block: full, capacity: blockCapacity)
        unsafe (block, blockCapacity) = unsafe (inFile?.block, inFile?.capacity ?? 0)
        unsafe inFile = written
    }

    private func drop() {
        frames = []
        lengths = []
        file = nil  // Before its block: it is done with that then.
        unsafe inFile?.block.deallocate()
        unsafe inFile = nil
        unsafe block?.deallocate()
        unsafe block = nil
        (blockCapacity, blockUsed, spilled, memoryBytes) = (0, 0, 0, 0)
    }
}
