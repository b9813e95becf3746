package import DropCore

extension TwinStore {
    /// Opens `FOLDER/twin.db` for reading, beside a running daemon or without one: no writer and no index, so that listing drops
    /// does not cost a scan of all twins; a twin is found by one look through the table. A database that is not there yet is
    /// made, empty.
    ///
    /// Calls that change something throw. Errors: as `open`.
    ///
    /// - Parameter withModels: false where no twin is shown or checked; to read the models takes its time with large ontologies.
    package static func openReader(folder: String, withModels: Bool = true) throws(DropError) -> TwinStore {
        let path = folder + "/twin.db"
        if StoreFiles.bytes(path) == 0 { try TwinStore(path: path).close() }
        let store = try TwinStore(path: path, isReader: true, isWithoutIndex: true)
        try StoreLoader(store.engine).loadNames(withModels: withModels)
        return store
    }

    /// Opens the database as `openReader` does, with the indexes of identities: for a dry run, and for many questions.
    package static func openForDryRun(folder: String) throws(DropError) -> TwinStore {
        let path = folder + "/twin.db"
        if StoreFiles.bytes(path) == 0 { try TwinStore(path: path).close() }
        let store = try TwinStore(path: path, isReader: true)
        try StoreLoader(store.engine).load()
        return store
    }

    /// Whether `FOLDER` holds a database, be it an empty one.
    package static func exists(folder: String) -> Bool { StoreFiles.bytes(folder + "/twin.db") > 0 }

    /// Whether whoever made the database, or changed its form, was interrupted: until it is opened for writing, nobody can read
    /// it.
    package static func wasInterrupted(folder: String) -> Bool { StoreFiles.bytes(folder + "/twin.db-journal") > 0 }
}
