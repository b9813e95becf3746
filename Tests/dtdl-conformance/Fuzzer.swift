import Foundation
import TwinModel

/// Changes the documents of the cases at random and reads them: no text may crash or stall the parser.
struct Fuzzer {
    let cases: [ConformanceCase]
    let seed: UInt64

    /// One reading that takes more seconds of the processor than this is a finding. The mutated documents are small.
    private static let longest = 1.0

    /// Seconds of the processor that this program has used.
    private static var processorSeconds: Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

    func run(minutes: Double) {
        let pool = cases.filter { !$0.documents.isEmpty }
        var random = SplitMix(state: seed)
        let wall = ContinuousClock()
        let end = wall.now.advanced(by: .seconds(minutes * 60))
        var count = 0
        var slow = 0
        while wall.now < end {
            guard let one = pool.randomElement(using: &random) else { break }
            let donor = pool.randomElement(using: &random) ?? one
            let documents = one.documents.map { document in
                ModelDocument(name: document.name, bytes: mutate(document.bytes, donor.documents[0].bytes, &random))
            }
            var options = one.options
            if count % 7 == 0 { options.profile = .azure }
            let last = URL(fileURLWithPath: NSTemporaryDirectory()).appendingPathComponent("dtdl-conformance.last")
            if count % 512 == 0 { try? Data(documents[0].bytes).write(to: last) }  // Help after a crash; nothing depends on it.
            let start = Self.processorSeconds
            let reading = ModelSet().reading(documents, options: options)
            for error in reading.errors { precondition(!error.message.isEmpty) }
            let spent = Self.processorSeconds - start
            if spent > Self.longest {
                slow += 1
                print("slow: \(one.name), \(spent) s, seed \(seed), round \(count)")
            }
            count += 1
        }
        print("\(count) mutated models read with seed \(seed), \(slow) of them slowly, no crash")
    }

    // MARK: Mutations

    private static let pieces: [String] = [
        "{}", "[]", "null", "true", "-1", "1e400", "\"\"", "\"@id\"", "\"@type\":\"Interface\"",
        "\"@context\":\"dtmi:dtdl:context;4\"",
        "\"dtmi:a;1\"", "\"extends\":", "\"schema\":", "\\u0000", "\u{FEFF}", "\\ud800", ":", ",", "{\"@value\":1}",
        "\"dtmi:dtdl:context;4#limitless\"", "\"elementSchema\":{\"@type\":\"Array\",\"elementSchema\":", "[[[[[[[[[[[[",
    ]

    private func mutate(_ bytes: [UInt8], _ donor: [UInt8], _ random: inout SplitMix) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &random) {
            let at = Int.random(in: 0...bytes.count, using: &random)
            let end = min(bytes.count, at + Int.random(in: 0...40, using: &random))
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes.removeSubrange(at..<end)
            case 1: bytes.insert(contentsOf: Self.pieces.randomElement(using: &random).map { Array($0.utf8) } ?? [], at: at)
            case 2: if at < bytes.count { bytes[at] = UInt8.random(in: .min ... .max, using: &random) }
            case 3: bytes.insert(contentsOf: bytes[at..<end], at: Int.random(in: 0...bytes.count, using: &random))
            case 4:
                let from = Int.random(in: 0...donor.count, using: &random)
                bytes.insert(contentsOf: donor[from..<min(donor.count, from + 80)], at: at)
            case 5: swapTokens(&bytes, &random)
            default: swapTokens(&bytes, donor, &random)
            }
        }
        return bytes
    }

    /// Puts one string of the text in the place of another: the text stays JSON, the model changes.
    private func swapTokens(_ bytes: inout [UInt8], _ random: inout SplitMix) { swapTokens(&bytes, bytes, &random) }

    private func swapTokens(_ bytes: inout [UInt8], _ donor: [UInt8], _ random: inout SplitMix) {
        guard let one = strings(bytes).randomElement(using: &random), let other = strings(donor).randomElement(using: &random)
        else { return }
        bytes.replaceSubrange(one, with: Array(donor[other]))
    }

    private func strings(_ bytes: [UInt8]) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var start: Int?
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\"") {
            if let first = start {
                found.append(first..<index + 1)
                start = nil
            } else {
                start = index
            }
        }
        return found
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and the same on every machine.
struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
