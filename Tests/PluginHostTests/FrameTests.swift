import CTwinDropWire
import DropCore
import Glibc
import Testing

@testable import PluginHost

@Suite struct `Frames of a hostile worker` {
    /// Random numbers that repeat (SplitMix64).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var value = state
            value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
            value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
            return value ^ value >> 31
        }
    }

    private static func frame(_ type: UInt8, _ length: UInt32, _ payload: [UInt8]) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: length >> UInt32(8 * $0)) } + [type] + payload
    }

    @Test(arguments: UInt64(0)..<20)
    func `are cut or refused, with whatever lengths`(seed: UInt64) throws {
        var random = Generator(state: seed)
        for _ in 0..<40 {
            var bytes: [UInt8] = []
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let payload = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
                let lengths: [UInt32] = [UInt32(payload.count), UInt32(payload.count), .max, 1 << 20, 1 << 31, 0, 5]
                bytes += Self.frame(
                    UInt8.random(in: 0...12, using: &random), lengths.randomElement(using: &random)!, payload)
            }
            var ends: [CInt] = [-1, -1]
            try #require(unsafe pipe(&ends) == 0)
            defer { close(ends[0]) }
            #expect(unsafe write(ends[1], bytes, bytes.count) == bytes.count)
            close(ends[1])
            let reader = FrameReader(descriptor: ends[0])
            var taken = 0
            reading: do throws(WorkerFailure) {
                while true {
                    while let frame = try reader.next() {
                        taken += unsafe frame.payload.count + Int(TD_WIRE_HEADER)
                        var table = KeyList()
                        // Most payloads are no key names; none of them does harm.
                        try? unsafe table.append(frame: frame.payload)
                    }
                    if case .ended = reader.fill() { break reading }
                }
            } catch {
                #expect(error.message.contains("claims"))
            }
            #expect(taken <= bytes.count)
        }
    }
}
