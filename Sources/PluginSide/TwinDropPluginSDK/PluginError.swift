internal import CTwinDropPlugin

/// Why a plugin cannot continue with its settings or with a file. It appears unchanged in the receipt or the status of the
/// source.
public struct PluginError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What TwinDrop does about it; the closed list of the plugin ABI.
    public enum Kind: Int32, Sendable, Equatable {
        /// The file is not what this plugin reads, or is damaged as a whole: it goes to quarantine.
        case refused = 1
        /// The settings are unusable: the source waits until they are corrected.
        case settings = 2
        /// TwinDrop does not want the result any more.
        case cancelled = 3
        /// The input could not be read.
        case input = 4
        /// A limit of the plugin or of TwinDrop was reached.
        case limit = 5
        /// A defect of the plugin.
        case `internal` = 6
    }

    public let kind: Kind
    /// Sentences that name the thing and say what to do.
    public let message: String
    /// The byte of the file it is about.
    public let offset: UInt64?

    public init(_ kind: Kind, _ message: String, offset: UInt64? = nil) {
        self.kind = kind
        self.message = message
        self.offset = offset
    }

    public var description: String { message }

    /// The error for a status other than TD_OK that a host function returned; the host has the message.
    @usableFromInline
    static func status(_ status: Int32) -> PluginError {
        PluginError(Kind(rawValue: status) ?? .internal, "")
    }
}
