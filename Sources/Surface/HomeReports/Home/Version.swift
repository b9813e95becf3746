import Foundation
import HomeConfiguration

/// What this build is.
package enum Version {
    package static let text = "0.1.0"

    /// With the commit that an installation says it was made of (scripts/install); in a build folder there is none.
    package static let shown: String = {
        let file = Installation.current.searched.map { $0 + "/commit" }.first { FileManager.default.fileExists(atPath: $0) }
        guard let data = file.flatMap({ FileManager.default.contents(atPath: $0) }) else { return text }
        let commit = String(decoding: data.prefix(100), as: UTF8.self).filter { $0.isLetter || $0.isNumber || $0 == "-" }
        return commit.isEmpty ? text : "\(text) (\(commit))"
    }()
}
