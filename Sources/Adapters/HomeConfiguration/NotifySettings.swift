import CodecKit
package import CurlKit
package import DropCore
import TwinModel

/// The values of `notify`: who gets a message when a person is needed, and how.
package struct NotifyChannel: Sendable, Equatable {
    package enum Way: Sendable, Equatable {
        /// A program and its arguments; no shell. The program is absolute.
        case command([String])
        /// POST to this address; `authorization` is a file whose text is the value of that header.
        case webhook(WebAddress, authorization: String?)
    }

    package let name: String
    package let way: Way
    package let events: Set<NoticeEvent>
    /// How long one attempt may take.
    package let timeout: Duration

    /// As `source check --json` prints it.
    var json: JSON {
        var members: [JSON.Member]
        switch way {
        case .command(let words): members = [.init("command", .array(words.map { .string($0) }))]
        case .webhook(let address, let authorization):
            // A path may be a secret of its own.
            members = [.init("webhook", .string(address.origin.text))]
            if let authorization { members.append(.init("authorization", .string(authorization))) }
        }
        members.append(.init("events", .array(events.map(\.rawValue).sorted().map { .string($0) })))
        members.append(.init("timeout", .string(Quantity.text(timeout))))
        return .object(members)
    }
}

extension ConfigurationLoader {
    func readNotify(_ root: Section) -> [NotifyChannel] {
        root.sections("notify", word: "CHANNEL").compactMap { name, section in
            let command = section.texts("command").map(\.text)
            let webhook = section.text("webhook", type: "URL", expected: "an http or https URL")
            let authorization = section.text("authorization", type: "path", expected: "a file, absolute or in the home")
            let events = events(section)
            let timeout = section.duration("timeout", standard: .seconds(30), atLeast: .seconds(1))
            section.finish()
            guard command.isEmpty != (webhook == nil) else {
                section.report(
                    command.isEmpty ? .missingKey : .badValue, "command", at: section.place,
                    command.isEmpty
                        ? "the channel has neither command nor webhook." : "the channel has both command and webhook.",
                    hint: "Give one of the two.")
                return nil
            }
            guard let webhook else {
                var words = command
                words[0] = ConfigurationFiles.absolute(words[0], from: home)
                return NotifyChannel(name: name, way: .command(words), events: events, timeout: timeout)
            }
            do {
                let address = try WebAddress(webhook)
                return NotifyChannel(
                    name: name,
                    way: .webhook(address, authorization: authorization.map { ConfigurationFiles.absolute($0, from: home) }),
                    events: events, timeout: timeout)
            } catch {
                section.report(.badValue, "webhook", "\(error)")
                return nil
            }
        }
    }

    private func events(_ section: Section) -> Set<NoticeEvent> {
        let words = NoticeEvent.allCases.map(\.rawValue)
        var events: Set<NoticeEvent> = []
        for (text, place) in section.texts("events", standard: words) {
            if let event = NoticeEvent(rawValue: text) {
                events.insert(event)
            } else {
                section.report(
                    .badValue, "events", at: place,
                    "found \"\(Escaping.visible(text, scalarsMax: 60))\", expected \(words.joined(separator: ", ")).",
                    hint: Suggestion.hint(for: text, among: words))
            }
        }
        return events.isEmpty ? Set(NoticeEvent.allCases) : events
    }
}
