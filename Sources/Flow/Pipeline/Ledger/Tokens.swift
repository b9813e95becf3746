/// Counts what is in the hands of a stage, by tokens: each file that is handed over, and each drop that comes into the flow
/// otherwise, has one, and it ends once. A count that is kept by hand forgets one, or ends one twice; here the second end stops
/// the program, and what was forgotten has a number.
struct Tokens: Sendable {
    /// One thing that somebody waits for. Tokens are in the order in which they were given out.
    struct Token: Sendable, Hashable, Comparable {
        fileprivate let number: UInt64

        static func < (one: Token, other: Token) -> Bool { one.number < other.number }
    }

    private var open: Set<Token> = []
    private var issued: UInt64 = 0

    /// How many have not ended.
    var count: Int { open.count }

    /// The one that was given out last; nil before the first.
    var last: Token? { issued == 0 ? nil : Token(number: issued) }

    mutating func issue() -> Token {
        issued += 1
        let token = Token(number: issued)
        open.insert(token)
        return token
    }

    /// The file of this token is finished, or waits for a person.
    mutating func end(_ token: Token) {
        precondition(open.remove(token) != nil, "the token \(token.number) ends a second time")
    }
}
