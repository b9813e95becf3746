import GRDB

/// One access to the database: what lies on its connection is asked through it, and changed where it is the writer's. It is valid
/// inside the closure that it is handed to. Other folders hand it on; `Engine` alone knows what can be done with it.
typealias StoreTransaction = Database

/// A number as the database keeps it.
typealias StoredNumber = RawStatement.Number
