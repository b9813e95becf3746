package import DropCore

extension TwinStore {
    /// Stands in until the query language is merged.
    package func query(_ text: String?, continuation: String?, limit: Int) throws(ServiceError) -> QueryPage {
        throw ServiceError(400, "SqlQueryError", "Queries are not answered by this build.")
    }
}
