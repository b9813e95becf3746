import CodecKit
import DropCore
import TwinModel

/// How much the service takes (docs/azure-contract.md, "Limits").
package enum ServiceLimits {
    /// Models in one call.
    package static let modelsPerCall = 250
    /// Bytes of one model's text.
    package static let modelBytes = 1 << 20
    /// Bytes of a twin's or relationship's document.
    package static let documentBytes = 32 << 10
    /// Relationships that may start, and that may end, at one twin.
    package static let edges = 50_000
    package static let eventRoutes = 6

    /// Whether a twin's or relationship's content is small enough.
    static func fits(_ content: JSON) -> Bool { content.utf8().count <= documentBytes }

    /// Whether a text can be the id of a twin or relationship.
    static func isFit(id: String) -> Bool {
        !id.isEmpty && id.unicodeScalars.count <= 128 && !id.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
    }

    static func check(id: String, _ what: String) throws(ServiceError) {
        guard isFit(id: id) else {
            throw ServiceError(
                .invalidArgument,
                "\"\(Escaping.visible(id, scalarsMax: 150))\" cannot be the id of a \(what): use 1 to 128 characters, none of "
                    + "them control characters.")
        }
    }

    /// The id of something that is taken as it is.
    static func check(uncheckedID id: String, _ what: String) throws(ServiceError) {
        guard !id.isEmpty, id.utf8.count <= 4096, !id.utf8.contains(0) else {
            throw ServiceError(.invalidArgument, "The id of a \(what) is to have 1 to 4096 bytes, and no NUL.")
        }
    }
}
