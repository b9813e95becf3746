import TwinDropPluginSDK

/// The names that DTDL allows, so that the mapping makes nothing that no model can describe and no JSON reader can distinguish.
enum Names {
    /// Letters, digits and `_`; a letter first, no `_` last; at most 512 bytes.
    static func isName(_ text: some Sequence<UInt8>) -> Bool {
        var count = 0
        var last: UInt8 = 0
        for byte in text {
            let isLetter = (byte | 0x20) &- 0x61 < 26
            guard isLetter || (count > 0 && (byte &- 0x30 < 10 || byte == UInt8(ascii: "_"))) else { return false }
            count += 1
            last = byte
        }
        return count > 0 && count <= 512 && last != UInt8(ascii: "_")
    }

    /// `name`, or `component/name`.
    static func isProperty(_ text: String) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count <= 2 && parts.allSatisfy { isName($0) }
    }

    /// `dtmi:path:name;1`; the version may be missing or have a minor part.
    static func isModel(_ text: String) -> Bool {
        let parts = text.split(separator: ";", omittingEmptySubsequences: false)
        let segments = parts[0].utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 2, segments.count >= 2, segments[0].elementsEqual("dtmi".utf8) else { return false }
        guard segments.dropFirst().allSatisfy({ segment in isName(segment.drop { $0 == UInt8(ascii: "_") }) }) else {
            return false
        }
        guard parts.count == 2 else { return true }
        let numbers = parts[1].utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return numbers.count <= 2
            && numbers.allSatisfy { !$0.isEmpty && $0.count <= 9 && $0.allSatisfy { $0 &- 0x30 < 10 } }
    }

    /// Errors: kind `settings`, when `name` is none of a property.
    static func checkProperty(_ name: String, _ settings: SettingsValue) throws(PluginError) {
        guard !isProperty(name) else { return }
        var advice = "Write name or component/name, of letters, digits and '_', a letter first and no '_' last."
        if name.utf8.first == UInt8(ascii: "$") { advice = "Names that start with '$' belong to the twin itself. " + advice }
        if name.contains("{") { advice = "A name is used as it is: it has no insertions. " + advice }
        throw settings.error("'\(name)' is no name of a property. \(advice)")
    }
}
