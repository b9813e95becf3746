/// The limits of a language version, or of a limit extension of version 4 (docs/dtdl-rules.md, "Limits").
struct DTDLLimits: Sendable, Equatable {
    var nameLength = 512
    var displayNameLength = 512
    var descriptionLength = 512
    var commentLength = 512
    var idLength = 2048
    var interfaceIDLength = 128
    /// Steps from an Interface to its farthest ancestor.
    var extendsDepth = 10
    /// Values of `extends` in the whole hierarchy of an Interface.
    var extendsTotal: Int? = 1024
    /// Steps through `schema` and `elementSchema` from a complex schema to its farthest primitive.
    var schemaDepth = 5
    /// Elements below an Interface.
    var elementTotal: Int? = 100_000
    /// Contents of an Interface, inherited ones included.
    var contentsTotal: Int?
    /// Bytes of the text of an Interface without nested Interfaces.
    var interfaceBytes: Int? = 1_048_576

    static func of(_ version: Int) -> DTDLLimits {
        switch version {
        case 2:
            DTDLLimits(
                nameLength: 64, displayNameLength: 64, extendsTotal: nil, elementTotal: nil, contentsTotal: 300,
                interfaceBytes: nil)
        case 3: DTDLLimits()
        default: core4
        }
    }

    static let core4 = DTDLLimits(extendsDepth: 12, schemaDepth: 8)

    /// The limit extensions, by the identifier without its version; each has version 1 only.
    static let extensions: [String: DTDLLimits] = [
        "dtmi:dtdl:limits:onvif": DTDLLimits(
            descriptionLength: 4096, idLength: 512, interfaceIDLength: 256, extendsDepth: 12, schemaDepth: 24),
        "dtmi:dtdl:limits:aio": DTDLLimits(
            descriptionLength: 2048, idLength: 512, interfaceIDLength: 256, extendsDepth: 12, schemaDepth: 12),
    ]
}
