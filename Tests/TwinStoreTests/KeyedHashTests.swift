import Foundation
import Testing

@testable import TwinStore

/// Against an implementation of its own, in Python, that gives the vectors published for SipHash-2-4 with 64 and 128 bits; that
/// of no bytes is also among the test vectors of other implementations of SipHash-1-3-128.
@Suite struct `The keyed hash` {
    private static let hash = KeyedHash(
        key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908,
        secrets: (
            0x9E37_79B9_7F4A_7C15, 0xD1B5_4A32_D192_ED03, 0xABC9_8388_FB8F_AC03, 0x8CB9_2BA7_2F3D_8DD7,
            0xEB44_ACCA_B455_D165, 0xDAB6_6D2E_5B4C_0A9B
        ))

    /// The bytes 0, 1, 2, … under the key 0, 1, … 15.
    @Test(arguments: [
        (0, "e77ebcb22788a5befd62db6add303001"),
        (1, "fc6f370460d3eda85e0573cc2b2ff063"),
        (2, "75787f090569839b855bc9548c6aea95"),
        (3, "6bc5ccfa1edcf79f4823187712ebd743"),
        (7, "1084b923f2aae0c3a62f2ec80848ab77"),
        (8, "aa12fee1d5e3dab4724f16ab35f9c799"),
        (9, "81ddb8042cf33994f4720e0094137c42"),
        (15, "c17e5505b2bd526c2921cdec1e7e0109"),
        (16, "d0a8d95715518eebb513b0f83d9e1793"),
        (17, "234126f93fbb668d975112e8febdf7ec"),
        (31, "42ea961c5b3c858b17c3e550dfa79010"),
        (32, "406c44dee67857b2943160f30c7417d3"),
        (63, "4c5800e34efe426f079f6b0aa75260ad"),
    ])
    func `is SipHash-1-3 with 128 bits`(count: Int, expected: String) {
        let bytes = (0..<count).map { UInt8($0) }
        let found = Self.hash.identity(bytes)
        let hex = [found.high, found.low].flatMap { half in
            (0..<8).map { String(format: "%02x", UInt8(truncatingIfNeeded: half >> ($0 * 8))) }
        }
        #expect(hex.joined() == expected)
        #expect(Self.hash.identity([9] + bytes + [9], within: 1..<(count + 1)) == found)
    }

    /// The bytes 0, 1, 2, … of a third kind of operation.
    @Test(
        arguments: [
            (0, 0xBD25_9EDA_E935_02C9_FC7C_AD5E_0B60_0A3B),
            (1, 0xA389_B996_4029_A0F4_D7DD_C2D6_46EC_5C90),
            (7, 0x598A_0B39_5A49_84F7_E8BC_B3B4_3C6E_4ADA),
            (8, 0x8E57_37CC_B46F_C609_5FB0_3BFD_070A_D6AC),
            (9, 0xB8ED_A7AB_F48E_EF49_EAEF_D9CB_BB2A_337B),
            (15, 0xFFD3_8B6F_58A4_0FEE_A44A_CB2F_AB73_DBC1),
            (16, 0xBF0E_5E94_EDBD_E8B7_FBC2_ADC0_1BD0_6E18),
            (17, 0xBBF6_AE34_BDFB_309D_AE2C_95E3_7B49_87F3),
            (31, 0x8D90_F25C_9B23_3F62_D1DF_08A7_4218_98CA),
            (32, 0xD484_F4B4_517F_F682_10AC_0E7F_A3B3_4DFA),
            (33, 0xEF38_E530_DEE6_2D5C_F009_9160_7CB1_52B8),
            (120, 0x38F9_E60D_6E47_0CBC_9F2D_0281_17AE_BD3B),
        ] as [(Int, Fingerprint)])
    func `has fingerprints that take in every byte and the length`(count: Int, expected: Fingerprint) {
        let bytes = (0..<count).map { UInt8($0) }
        #expect(Self.hash.fingerprint(bytes, 3) == expected)
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            #expect(Self.hash.fingerprint(changed, 3) != expected)
        }
        #expect(Self.hash.fingerprint(bytes, 4) != expected)
        #expect(Self.hash.fingerprint(bytes + [0], 3) != expected)
    }
}

extension KeyedHash {
    fileprivate func identity(_ bytes: [UInt8], within range: Range<Int>) -> IdentityHash { identity(bytes.span, range) }

    fileprivate func fingerprint(_ bytes: [UInt8], _ verb: UInt8) -> Fingerprint {
        // One byte in front: the range does not begin where the memory does.
        fingerprint(([9] + bytes).span, verb: verb, 1..<(bytes.count + 1), seed: 0x0123_4567_89AB_CDEF)
    }
}
