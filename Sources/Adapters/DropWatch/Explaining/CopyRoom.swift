package import DropCore
import SystemKit

/// The folder for copies of files that cannot be renamed into the spool, and the free room there.
package struct CopyRoom: Sendable {
    private let device: UInt64
    private let space: FreeSpace
    private let floor: UInt64

    /// Of the file system that holds `folder`; nil if it cannot be asked.
    package init?(of folder: String, reserve: SpaceReserve) {
        guard let opened = try? SystemCall.openFolder(folder), let facts = try? SystemCall.facts(of: opened.number),
            let space = try? SystemCall.freeSpace(of: opened.number)
        else { return nil }
        device = facts.device
        self.space = space
        floor = reserve.floor(of: space)
    }

    /// Why a complete file cannot be taken for lack of room; nil: it can.
    func reason(for name: FileName, _ facts: FileFacts) -> WaitingReason? {
        if space.bytesFree < floor { return WaitingReason(.diskFull) }
        guard facts.device != device || facts.links > 1, space.bytesFree - floor < facts.bytes else { return nil }
        return WaitingReason(noRoomFor: name, facts.bytes, free: space.bytesFree, above: floor)
    }
}

extension WaitingReason {
    /// - Parameter floor: the bytes that must stay free.
    init(noRoomFor name: FileName, _ bytes: UInt64, free: UInt64, above floor: UInt64) {
        let mark = floor > 0 ? " above the mark of limits.free-space" : ""
        self.init(
            .noRoom,
            "\(name) needs \(ByteCount.text(bytes)) on the file system of state to be copied; "
                + "\(ByteCount.text(free > floor ? free - floor : 0)) are free\(mark).",
            hint: "Make room there, or deliver it in parts. It is tried again, at most once a minute.")
    }
}
