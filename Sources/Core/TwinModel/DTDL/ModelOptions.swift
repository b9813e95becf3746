/// How strictly models are read.
package struct ModelOptions: Sendable, Equatable {
    /// Whose rules hold.
    package enum Profile: String, Sendable, CaseIterable {
        /// The language as it is defined.
        case dtdl
        /// And what Azure Digital Twins adds or forbids (docs/dtdl-rules.md, "Azure profile"): versions 2 and 3 only, Interfaces
        /// only by reference, no Commands.
        case azure
    }

    /// Whose rules hold.
    package var profile: Profile = .dtdl
    /// Whether unknown extensions are allowed; nil: only in version 2.
    package var allowsUndefinedExtensions: Bool?
    /// The newest language version that is accepted.
    package var versionMax = 4
    /// The limit extensions that are accepted, with or without version; nil: all.
    package var acceptableLimits: [String]?
    /// Whether known mistakes in old version 2 models are allowed: `extends` by an object that holds only `@id`, one name twice
    /// where ids are generated, ids with a reserved prefix (docs/dtdl-rules.md, "References").
    package var toleratesSolecisms = false

    package init(profile: Profile = .dtdl) { self.profile = profile }
}
