import DropCore
import Foundation
import Testing

@testable import HomeConfiguration

/// A generator whose numbers follow from its seed (SplitMix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }
}

@Suite struct `A damaged configuration` {
    static let base = """
        sources:
          a: &a
            plugin: reader
            settings: {table: "t", header: [x, 'y'], columns: [{name: n, width: 1.5}]}
            patterns: ["*.csv"]
            guard: {deletes: 5%}
            lookups: {sites: {file: sites.csv, key: code, value: name}}
          b: {plugin: free, dangling: wait 3h, order: name} # remark
        limits: {worker: {memory: 1 GiB, cpu: 5s}}
        log:
          level: debug

        """

    @Test(arguments: UInt64(0)..<30)
    func `ends in values or in errors with their place, never in a crash`(seed: UInt64) throws {
        let home = try Home()
        try home.write("sites.csv", "code,name\n1,x\n")
        var random = SeededGenerator(state: seed)
        let alphabet = Array("{}[]:,#&*!|>'\"%@`-?\n\r\t 0aé\u{1}\u{FEFF}\u{E000}<~".unicodeScalars)
        for _ in 0..<20 {
            var scalars = Array(Self.base.unicodeScalars)
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<scalars.count, using: &random)
                switch Int.random(in: 0..<3, using: &random) {
                case 0: scalars.remove(at: at)
                case 1: scalars.insert(alphabet.randomElement(using: &random) ?? " ", at: at)
                default: scalars[at] = alphabet.randomElement(using: &random) ?? " "
                }
            }
            try home.write("twindrop.yaml", String(String.UnicodeScalarView(scalars)))
            for error in home.errors {
                #expect(!error.message.isEmpty && !error.place.file.isEmpty, "seed \(seed)")
            }
        }
    }

    @Test func `with lists in lists without end is refused`() throws {
        #expect(try Home(String(repeating: "[", count: 100_000)).errors.map(\.code.text) == ["syntax"])
        let deep = String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(try Home(deep).errors.map(\.code.text) == ["too-large"])
    }
}
