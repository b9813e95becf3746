import DropCore
import SystemKit
import ThreadKit

/// The part of a change log that does not fit in memory: a file of the scratch folder that has no name (it is gone with its
/// descriptor, whatever happens). Blocks are written on a thread of its own, one at a time, while its owner fills the next.
///
/// Used by one thread at a time. `@unchecked Sendable`: the owner and the writing thread meet in `state`.
@safe final class SpillFile: @unchecked Sendable {
    @safe private struct Block: @unchecked Sendable {  // The owner leaves the bytes alone until they are written.
        let start: UnsafeRawPointer
        let count: Int
        let offset: Int
    }

    private struct State {
        var block: Block?
        /// The `errno` of the write that failed; 0 while none has.
        var failure: CInt = 0
        var isOver = false
    }

    private let folder: String
    private let descriptor: CInt
    private let state = Monitor(State())
    private let thread: NamedThread

    /// - Parameter folder: absolute.
    /// - Throws: `disk-full`, `no-thread` (retry), `scratch` (stop).
    init(folder: String) throws(DropError) {
        let descriptor: CInt
        if let unnamed = try? System.open(folder, [.unnamed, .readAndWrite]) {
            descriptor = unnamed
        } else {
            do throws(SystemError) { descriptor = try System.unnamedFile(in: folder, prefix: "changes-") } catch {
                throw Self.failure("make a file in", folder, error.number)
            }
        }
        do throws(NamedThread.Shortage) {
            thread = try NamedThread(unlessShort: "td-spill") { [state, descriptor] in Self.work(state, descriptor) }
        } catch {
            System.close(descriptor)
            throw DropError(
                .noThread, "No thread can be started to write what does not fit in memory (errno \(error.code)).",
                hint: NamedThread.Shortage.hint, remedy: .retry(after: .seconds(10)))
        }
        self.folder = folder
        self.descriptor = descriptor
    }

    deinit {
        state.with { $0.isOver = true }
        thread.join()
        System.close(descriptor)
    }

    /// Has a block written. Its bytes must stay as they are until `finishWrites` has returned, and the block before must be
    /// written.
    func write(_ start: UnsafeRawPointer, _ count: Int, at offset: Int) {
        let block = unsafe Block(start: start, count: count, offset: offset)
        state.with { state in
            precondition(state.block == nil, "one block is written at a time")
            state.block = block
        }
    }

    /// Waits until the last block is written.
    ///
    /// - Throws: `disk-full` (retry), `scratch` (stop), for that block or one before it.
    func finishWrites() throws(DropError) {
        let failure = state.wait(until: { $0.block == nil }) { $0.failure }
        if failure != 0 { throw Self.failure("write to", folder, failure) }
    }

    /// Fills `buffer` with the bytes from `offset`, which were written.
    func read(into buffer: UnsafeMutableRawPointer, _ count: Int, from offset: Int) throws(DropError) {
        try finishWrites()
        let target = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: count)
        let filled: Int
        do throws(SystemError) {
            filled = try unsafe System.fill(target, from: descriptor, at: UInt64(offset), folder)
        } catch { throw Self.failure("read from", folder, error.number) }
        guard filled == count else { throw Self.failure("read from", folder, SystemError.mediumFault) }
    }

    private static func work(_ state: Monitor<State>, _ descriptor: CInt) {
        while true {
            // A block that waits is written, whatever else: its owner waits for it.
            let next = state.wait(until: { $0.block != nil || $0.isOver }) { $0.block }
            guard let block = next else { return }
            let failure = write(block, to: descriptor)
            state.with { state in
                if state.failure == 0 { state.failure = failure }
                state.block = nil
            }
        }
    }

    /// 0, or the `errno` of the call that failed.
    private static func write(_ block: Block, to descriptor: CInt) -> CInt {
        do throws(SystemError) {
            try unsafe System.write(
                UnsafeRawBufferPointer(start: block.start, count: block.count), to: descriptor, at: UInt64(block.offset),
                "the scratch folder")
        } catch { return error.number }
        return 0
    }

    private static func failure(_ what: String, _ folder: String, _ code: CInt) -> DropError {
        let full = SystemError.kind(of: code) == .full
        return DropError(
            full ? .diskFull : .scratch, "Cannot \(what) the scratch folder \(folder) (errno \(code)).",
            hint: full ? "Free some space; the drop is tried again." : "Check the folder and its disk.",
            remedy: full ? .retry(after: .seconds(10)) : .stop)
    }
}
