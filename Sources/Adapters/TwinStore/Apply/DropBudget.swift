import DropCore

/// What one drop may make the host keep and do: each bound is a multiple of the file's bytes beside a fixed part, so that a small
/// file costs little whatever its plugin says (decision 0034). Counted here, where a plugin cannot reach. Pure.
struct DropBudget {
    enum Kind: Int, CaseIterable {
        /// Records of the stream.
        case records
        /// Operations, with those of refused records.
        case operations
        /// Headers, footers and remainders.
        case spans
        /// Bytes of the names of spans.
        case names
        /// Bytes that the headers cover: each is copied before the refused records.
        case headers
        /// Bytes that the refused records cover.
        case rejects
        /// Bytes of the reasons of refused records.
        case reasons
        /// Bytes of what does not fit in memory.
        case scratch
        /// Bytes of twins that were read and written again for another statement about the same twin.
        case repeated
        /// Earlier operations that were looked at to find out what an operation is about.
        case looking
    }

    /// By kind. No array: what is spent for every record and operation must not ask for a reference each time.
    private var left: InlineArray<10, UInt64>
    private let bytes: UInt64

    /// - Parameters:
    ///   - bytes: of the file.
    ///   - operationsFree: operations, beside one for each byte.
    init(bytes: UInt64, operationsFree: UInt64) {
        self.bytes = bytes
        left = InlineArray { index in
            guard let kind = Kind(rawValue: index) else { return 0 }
            let (factor, free) = Self.bound(of: kind, operationsFree)
            let (product, overflow) = bytes.multipliedReportingOverflow(by: factor)
            let (sum, beyond) = product.addingReportingOverflow(free)
            return overflow || beyond ? .max : sum
        }
    }

    private static func bound(of kind: Kind, _ operationsFree: UInt64) -> (factor: UInt64, free: UInt64) {
        switch kind {
        case .records, .operations: (1, operationsFree)
        case .spans: (1, 1024)
        case .names: (1, 64 << 10)
        case .headers: (2, 64 << 10)
        case .rejects: (4, 64 << 10)
        case .reasons: (64, 1 << 20)
        case .scratch: (256, 256 << 20)
        case .repeated: (1024, 1 << 30)
        case .looking: (4096, 1 << 32)
        }
    }

    /// Errors: `limit` where that is more than is left.
    @inline(__always)
    mutating func spend(_ amount: UInt64, on kind: Kind) throws(DropError) {
        guard amount <= left[kind.rawValue] else { throw excess(of: kind) }
        left[kind.rawValue] -= amount
    }

    @inline(never)
    private func excess(of kind: Kind) -> DropError {
        DropError(
            .limit, "The plugin's output is out of proportion to the file, which has \(bytes) bytes: \(Self.words(kind)).",
            hint: Self.hint(kind), remedy: .quarantine)
    }

    private static func words(_ kind: Kind) -> String {
        switch kind {
        case .records: "it has too many records"
        case .operations: "it has too many operations"
        case .spans: "it has too many headers, footers and other parts"
        case .names: "the names of its headers, footers and other parts are too long"
        case .headers: "its headers together are longer than the file twice over"
        case .rejects: "its refused records overlap, and together are longer than the file four times over"
        case .reasons: "the reasons for refusing records are too long"
        case .scratch: "what it would change takes more than 256 times the file's size"
        case .repeated: "it says too much about the same twins again and again"
        case .looking: "its records have too many operations each"
        }
    }

    private static func hint(_ kind: Kind) -> String {
        switch kind {
        case .records, .operations:
            "Correct the plugin, or raise limits.worker.operations-free of the source, then retry the drop."
        default: "Correct the plugin or the mapping, then retry the drop."
        }
    }
}
