import CodecKit
import DropCore
import TwinModel

/// Where a list continues, with everything that the first request asked for. Clients do not repeat the page size, and not always
/// the filters (docs/azure-contract.md, "Paging").
struct PageToken: Equatable {
    /// Which list.
    let list: String
    /// The position `ServicePage.next` gave; nil at the beginning.
    let position: String?
    /// Elements a page.
    let limit: Int
    var filters: [String] = []
    var withDefinitions = false

    var text: String {
        var members: [JSON.Member] = [.init("l", .string(list)), .init("n", .int(Int64(limit)))]
        if let position { members.append(.init("p", .string(position))) }
        if !filters.isEmpty { members.append(.init("f", .array(filters.map(JSON.string)))) }
        if withDefinitions { members.append(.init("d", true)) }
        return Base64URL.encoded(JSON.object(members).utf8())
    }

    init(list: String, position: String? = nil, limit: Int, filters: [String] = [], withDefinitions: Bool = false) {
        self.list = list
        self.position = position
        self.limit = limit
        self.filters = filters
        self.withDefinitions = withDefinitions
    }

    /// Reads the token of a list. Errors: `BadRequest`.
    init(_ text: String, list: String, limitMax: Int) throws(APIError) {
        guard let bytes = Base64URL.decoded(text), let value = try? JSON(parsing: bytes),  // Any damage gets one answer.
            value["l"]?.string == list, let limit = value["n"]?.int, limit > 0
        else {
            throw APIError(
                .invalidPage,
                "The continuation token is not one of this list. Follow nextLink as it is, or start again without a token.")
        }
        self.list = list
        self.limit = min(Int(clamping: limit), limitMax)
        position = value["p"]?.string
        filters = (value["f"]?.elements ?? []).compactMap(\.string)
        withDefinitions = value["d"] == .bool(true)
    }

    /// The same list, from `position` on.
    func advanced(to position: String) -> PageToken {
        PageToken(list: list, position: position, limit: limit, filters: filters, withDefinitions: withDefinitions)
    }
}
