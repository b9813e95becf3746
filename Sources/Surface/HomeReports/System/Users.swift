import CodecKit
package import DropCore
import SystemKit
package import TwinModel

/// Who runs this process, or one at the other end of a socket.
package enum Users {
    /// The user this command runs as.
    package static var current: Person { person(System.userID) }

    /// A user by number, with the name this machine has for it.
    package static func person(_ number: UInt32) -> Person { .user(number: number, name: name(of: number)) }

    private static func name(of number: UInt32) -> String? {
        System.userName(number).map { Escaping.visible($0, scalarsMax: 64) }
    }
}

extension Act {
    /// What the user of this command does now, where no daemon runs.
    package init(_ kind: Kind, source: SourceName?, facts: [JSON.Member], reason: String?) {
        var ids = DropIDGenerator()
        var random = SystemRandomNumberGenerator()
        let now = WallClock.milliseconds()
        self.init(
            id: ids.next(milliseconds: now, using: &random), kind: kind, at: now, by: Users.current, reason: Act.kept(reason),
            drop: nil, source: source, facts: facts)
    }
}
