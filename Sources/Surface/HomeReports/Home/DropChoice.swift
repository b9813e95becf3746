import CodecKit
package import DropCore

/// Which drop a person means: a ULID, a unique start of one, or a file name, of which the newest drop counts.
package enum DropChoice {
    /// A drop that may be meant.
    package struct Candidate<Value> {
        package let id: DropID
        /// The name of its file as it is shown, where that is the text, or what is shown as the text; nil where the text is the
        /// start of its id.
        package let name: String?
        package let value: Value

        package init(id: DropID, name: String?, value: Value) {
            self.id = id
            self.name = name
            self.value = value
        }
    }

    /// The one that is meant, of all that fit `text`; nil where none does. Where a name has several, the others are said.
    package static func choose<Value>(_ text: String, _ found: [Candidate<Value>]) throws(CommandFailure) -> Value? {
        // Every id begins with nothing: a variable of a script that was never set would mean the one drop of a home.
        guard !text.isEmpty else {
            throw CommandFailure(.usage, "An empty text names no drop.", "Give its id, the start of it, or the name of its file.")
        }
        let byName = found.filter { $0.name != nil }.sorted { $0.id > $1.id }
        if let newest = byName.first {
            if let other = byName.first(where: { !($0.name ?? "").utf8.elementsEqual((newest.name ?? "").utf8) }) {
                throw CommandFailure(
                    .negative,
                    "\(text) is the name of a file, and another's name is shown so: drops \(listed([newest.id, other.id])).",
                    "Give the id of the one that is meant.")
            }
            if byName.count > 1 { note(text, newest.id, byName.dropFirst().map(\.id)) }
            return newest.value
        }
        guard found.count <= 1 else {
            throw CommandFailure(
                .negative, "\(Escaping.visible(text)) is the start of \(found.count) drop ids.",
                "Give more of it: " + listed(found.map(\.id)))
        }
        return found.first?.value
    }

    private static func note(_ text: String, _ newest: DropID, _ others: [DropID]) {
        Terminal.error(
            "twindrop: \(others.count + 1) drops have the file name \(Escaping.visible(text)); this is the newest, \(newest). "
                + "The others: \(listed(others))")
    }

    private static func listed(_ ids: [DropID]) -> String {
        ids.prefix(5).map(\.description).joined(separator: ", ") + (ids.count > 5 ? ", …" : "")
    }
}
