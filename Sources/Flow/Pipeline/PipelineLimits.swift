/// Bounds on what the pipeline keeps at once.
package struct PipelineLimits: Sendable {
    /// Files that wait for each of claim, registration and archiving.
    package var intakeFiles = 4096
    /// Files of one source that wait for their claim.
    package var laneFiles = 1024
    /// Whether a full disk is waited for; a command that ends leaves files and drops where they are.
    package var waitsForSpace = true
    /// Drops transformed side by side, each of another source; at least 1.
    package var transformThreads = 4
    /// Absolute; for what the comparison of a large drop cannot keep in memory.
    package var scratchFolder = ""
    /// Drops in one claim and in one commit.
    package var batchDrops = 256
    /// Bytes of the files whose changes wait for the commit; one drop may be larger.
    package var commitBytes: UInt64 = 24 << 20
    /// A drop from this many bytes on has a container of its own, and is compressed while it is on its way.
    package var aheadBytes: UInt64 = 64 << 20
    /// Free bytes below which nothing is claimed (soft) and nothing transformed (hard): the smaller of share and size counts.
    package var softFree: (share: Double, bytes: UInt64) = (0.10, 2 << 30)
    package var hardFree: (share: Double, bytes: UInt64) = (0.05, 1 << 30)

    package init() {}
}
