import Foundation

/// Files of the suite.
enum TextFile {
    /// The bytes of the file at `path`.
    static func bytes(_ path: String) throws -> [UInt8] { Array(try Data(contentsOf: URL(fileURLWithPath: path))) }
}
