package import DropCore

/// Reads and writes facts about the database as a whole.
///
/// Any thread; each change is one durable transaction on the writer.
package struct StoreFacts: Sendable {
    let store: StoreEngine

    private func fact(_ fact: StoreFact) throws(DropError) -> String? {
        try store.reading { (database) throws(DropError) in try fact.read(database) }
    }

    /// What the archive had come to when the register last heard of it; nil before the first drop was archived.
    package func archiveHead() throws(DropError) -> ArchiveHead? { try fact(.archiveHead).flatMap { ArchiveHead($0) } }

    /// Forgets `archiveHead`: a person said that the archive is another one from now on.
    package func forgetArchiveHead() throws(DropError) {
        try store.transaction { database in try StoreFact.archiveHead.forget(database) }
    }

    /// The record of the archive up to which drops may be unknown here, because a person said so; nil where nobody did.
    package func acceptedArchive() throws(DropError) -> UInt64? { try fact(.acceptedArchive).flatMap { UInt64($0) } }

    /// A person says that this database may be older than the archive up to this record.
    ///
    /// - Parameter forGood: and that it goes on as it is: nothing of that is to be delivered again.
    package func accept(archived record: UInt64, forGood: Bool) throws(DropError) {
        try store.transaction { database in
            try StoreFact.acceptedArchive.write("\(record)", database)
            if forGood { try StoreFact.waivedArchive.write("\(record)", database) }
        }
    }

    /// The record of the archive up to which nobody waits for forgotten drops to be delivered again; nil where nobody said so.
    /// Whoever restores a backup has accepted that drops are unknown, and not that they stay away.
    package func waivedArchive() throws(DropError) -> UInt64? { try fact(.waivedArchive).flatMap { UInt64($0) } }

    /// True where no drop was ever registered and nothing is in the graph.
    package func isEmpty() throws(DropError) -> Bool {
        try store.reading { (database) throws(DropError) in try StoreFact.isEmpty(database) }
    }

    package func instanceID() throws(DropError) -> String {
        try store.reading { (database) throws(DropError) in try StoreFact.instanceID(database) }
    }
}
