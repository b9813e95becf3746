import CLinuxFiles
package import DropCore
import Glibc
import SystemKit
import SystemPackage
import ThreadKit

/// The file `state/in-hand`, mapped into memory: what is written there outlives the process, at the price of a store. It is
/// nothing that a power cut must leave: a cut is no drop's fault.
///
///     offset 0    magic, 8 bytes
///     offset 8    u32: the signal that ended the run, written by its handler; 0 while none has
///     offset 16   u64: processes that the kernel has killed for want of memory since its start, as last seen
///     offset 64   drops in hand: 1023 times 16 bytes, an id, or zeros
///     offset 16k  suspects of the ends before: the same
///
/// Only an end by a fault counts: a trap, an abort, a bad memory access, or the kernel's killing for want of memory. A kill from
/// outside and a power cut say nothing about the drop in hand.
///
/// `@unchecked Sendable`: the map's slots are written under `slots`; the signal's word by its handler only.
@safe package final class InHandFile: DropsInHand, @unchecked Sendable {
    private static let magic: UInt64 = 0x3130_646E_6148_6E49  // "InHand01"
    private static let half = 16 << 10
    private static let first = 64
    private static let slotsMax = (half - first) / 16

    package let suspects: Set<DropID>
    package let culprits: Set<DropID>

    private struct Slots {
        var taken: [DropID: Int] = [:]
        var free: [Int] = []
        var suspects: Set<DropID> = []
    }

    private let map: UnsafeMutableRawPointer
    private let slots: Monitor<Slots>

    /// Reads what the run before left, and begins anew. From now on fatal signals are noted; they end the process as before.
    ///
    /// - Parameter wasUnclean: whether that run ended without saying so.
    /// - Throws: storage errors.
    package init(state: String, wasUnclean: Bool, wasRebooted: Bool) throws(DropError) {
        let path = FilePath(state).appending("in-hand")
        let file = try SpoolFolder.call(path) { () throws(SystemError) in
            try System.open(path.string, [.readAndWrite, .create, .noLink])
        }
        defer { System.close(file) }
        // Its room is taken now: a store into a map finds no error to return where there is none.
        try SpoolFolder.call(path) { () throws(SystemError) in
            try System.reserve(file, UInt64(2 * Self.half), path.string)
        }
        guard let map = unsafe mmap(nil, 2 * Self.half, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0), unsafe map != MAP_FAILED
        else {
            throw DropError(
                .storage, "\(path) cannot be mapped into memory (errno \(errno)).", hint: "Check the state folder.",
                remedy: .stop)
        }
        unsafe self.map = map
        let isKnown = unsafe map.load(as: UInt64.self) == Self.magic
        let killed = Self.killedForMemory()
        let seen = unsafe map.load(fromByteOffset: 16, as: UInt64.self)
        let isFault =
            unsafe isKnown && wasUnclean && !wasRebooted
            && (map.load(fromByteOffset: 8, as: UInt32.self) != 0 || killed > seen)
        let before = unsafe isKnown ? Self.ids(map + Self.half + Self.first) : []
        let inHand = unsafe isFault ? Self.ids(map + Self.first) : []
        culprits = inHand.intersection(before)
        suspects = before.union(inHand)
        slots = Monitor(Slots(free: Array((0..<Self.slotsMax).reversed()), suspects: suspects))
        unsafe map.initializeMemory(as: UInt8.self, repeating: 0, count: 2 * Self.half)
        unsafe map.storeBytes(of: Self.magic, as: UInt64.self)
        unsafe map.storeBytes(of: killed, toByteOffset: 16, as: UInt64.self)
        for (index, drop) in suspects.prefix(Self.slotsMax).enumerated() { write(drop, Self.half + Self.first + 16 * index) }
        unsafe linux_note_faults((map + 8).assumingMemoryBound(to: UInt32.self))
    }

    deinit {
        linux_note_faults(nil)
        unsafe munmap(map, 2 * Self.half)
    }

    package func take(_ drop: DropID) {
        slots.withoutWaking { slots in
            // More in hand than there is room for: those are not watched over, which only means that they get a chance more.
            guard slots.taken[drop] == nil, let slot = slots.free.popLast() else { return }
            slots.taken[drop] = slot
            write(drop, Self.first + 16 * slot)
        }
    }

    package func put(_ drop: DropID) {
        slots.withoutWaking { slots in
            if slots.suspects.remove(drop) != nil { forgetSuspect(drop) }
            guard let slot = slots.taken.removeValue(forKey: drop) else { return }
            write(DropID(high: 0, low: 0), Self.first + 16 * slot)
            slots.free.append(slot)
        }
    }

    private func forgetSuspect(_ drop: DropID) {
        for index in 0..<Self.slotsMax where unsafe Self.id(map + Self.half + Self.first + 16 * index) == drop {
            write(DropID(high: 0, low: 0), Self.half + Self.first + 16 * index)
        }
    }

    private func write(_ drop: DropID, _ offset: Int) {
        unsafe map.storeBytes(of: drop.high, toByteOffset: offset, as: UInt64.self)
        unsafe map.storeBytes(of: drop.low, toByteOffset: offset + 8, as: UInt64.self)
    }

    private static func id(_ at: UnsafeRawPointer) -> DropID {
        unsafe DropID(high: at.load(as: UInt64.self), low: at.load(fromByteOffset: 8, as: UInt64.self))
    }

    private static func ids(_ start: UnsafeRawPointer) -> Set<DropID> {
        var ids: Set<DropID> = []
        for index in 0..<slotsMax {
            let drop = unsafe id(start + 16 * index)
            if drop != DropID(high: 0, low: 0) { ids.insert(drop) }
        }
        return ids
    }

    /// How many processes the kernel has killed for want of memory (`oom_kill` of /proc/vmstat); 0 where it does not say.
    private static func killedForMemory() -> UInt64 {
        guard let file = try? Descriptor(System.open("/proc/vmstat", .read)) else { return 0 }
        var bytes = [UInt8](repeating: 0, count: 32 << 10)
        guard let count = try? System.read(file.number, into: &bytes, "/proc/vmstat"), count > 0 else { return 0 }
        let lines = bytes[..<count].split(separator: UInt8(ascii: "\n"))
        guard let line = lines.first(where: { $0.starts(with: Array("oom_kill ".utf8)) }) else { return 0 }
        return UInt64(String(decoding: line.dropFirst(9), as: UTF8.self)) ?? 0
    }
}
