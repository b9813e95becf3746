import DropCore
import Testing
import TwinModel

@testable import HomeConfiguration

typealias Rule = DropCore.Expectation

@Suite struct `The keys that say who is told and when deliveries are due` {
    private func source(_ expect: String) -> String { "sources:\n  erp:\n    plugin: free\n    expect: \(expect)\n" }

    @Test(arguments: [
        ("24h", Rule(rhythm: .every(.seconds(86_400)))),
        ("{every: 2h, grace: 5m}", Rule(rhythm: .every(.seconds(7200)), grace: .seconds(300))),
        (
            "{at: [\"06:30\", \"18:00\"], days: [mon-fri], zone: Europe/Berlin, grace: 30m}",
            Rule(
                rhythm: .at(minutes: [390, 1080], days: [0, 1, 2, 3, 4]), grace: .seconds(1800), zone: "Europe/Berlin")
        ),
        ("{at: \"00:00\", days: [sat-mon, wed]}", Rule(rhythm: .at(minutes: [0], days: [5, 6, 0, 2]))),
    ])
    func `are read: expect`(text: String, expectation: Rule) throws {
        let home = try Home(source(text))
        #expect(home.errors == [])
        #expect(try home.load().sources.first?.expect == expectation)
    }

    @Test(arguments: [
        ("soon", "expected a duration"), ("24", "expected a duration of at least 1s (24h)"), ("[24h]", "expected a duration"),
        ("{}", "neither every nor at"), ("{every: 1h, at: [\"06:00\"]}", "both every and at"),
        ("{at: [\"6:00\"]}", "expected a time of day"), ("{at: [\"24:00\"]}", "expected a time of day"),
        ("{every: 1h, days: [someday]}", "expected days"), ("{every: 1h, zone: Mars/Olympus}", "is no time zone"),
    ])
    func `are refused: expect`(text: String, message: String) throws {
        let errors = try Home(source(text)).errors
        #expect(errors.contains { $0.description.contains(message) }, "\(errors)")
    }

    @Test func `are read: notify`() throws {
        let home = try Home(
            """
            notify:
              pager: {command: [bin/page, --now], events: [held, late]}
              chat: {webhook: "https://chat.example/hooks/1", authorization: token, timeout: 5s}

            """)
        #expect(home.errors == [])
        let channels = try home.load().notify
        #expect(channels.map(\.name) == ["pager", "chat"])
        #expect(channels[0].way == .command([home.path + "/bin/page", "--now"]))
        #expect(channels[0].events == [.held, .late] && channels[0].timeout == .seconds(30))
        guard case .webhook(_, let authorization) = channels[1].way else { throw CancellationError() }
        #expect(authorization == home.path + "/token")
        #expect(channels[1].events == Set(NoticeEvent.allCases))
        #expect(try home.load().json.text().contains("hooks/1") == false, "the path may be a secret")
    }

    @Test(arguments: [
        ("{}", "neither command nor webhook"), ("{command: [a], webhook: \"https://a.example/\"}", "both command and webhook"),
        ("{webhook: \"ftp://a.example/\"}", "notify.x.webhook"), ("{command: [a], events: [held, fire]}", "found \"fire\""),
    ])
    func `are refused: notify`(text: String, message: String) throws {
        let errors = try Home("notify:\n  x: \(text)\n").errors
        #expect(errors.contains { $0.description.contains(message) }, "\(errors)")
    }
}
