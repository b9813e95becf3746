import GRDB

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Bytes as GRDB wants them: it speaks `Data`, which nothing else here does.
enum RawBlob {
    static func value(_ bytes: [UInt8]) -> DatabaseValue { Data(bytes).databaseValue }

    static func bytes(_ row: Row, _ column: Int) -> [UInt8] { (row[column] as Data?).map { Array($0) } ?? [] }
}
