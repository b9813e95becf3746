import TwinModel
import ValueRules

/// JSON texts (TwinModel/JSONReader.swift, ValueRules/JSONText.swift).
///
/// - A text is read or refused, and what is refused names a byte of the text.
/// - A value that was read is written in every layout, read again, and written again with the same bytes and meaning.
/// - What `JSONText` lets a plugin send, the reader of the host reads.
enum JSONCheck {
    static func check(_ bytes: [UInt8]) throws(Unheld) {
        let isText: Bool
        do throws(JSONTextFault) {
            try JSONText.check(bytes.span)
            isText = true
        } catch {
            isText = false
            try hold((0...bytes.count).contains(error.offset), "JSONText names byte \(error.offset) of \(bytes.count)")
        }
        let value: JSON
        do throws(JSONError) {
            value = try JSON(parsing: bytes)
        } catch {
            try hold((0...bytes.count).contains(error.offset), "the reader names byte \(error.offset) of \(bytes.count)")
            try hold(!isText, "JSONText takes what the reader refuses: \(error.message)")
            return
        }
        let meaning = value.utf8(.canonical)
        for layout in [JSON.Layout.canonical, .compact, .wire, .pretty] {
            let text = value.utf8(layout)
            let again: JSON
            do throws(JSONError) { again = try JSON(parsing: text) } catch {
                throw Unheld("\(layout): what was written cannot be read: \(error.message)")
            }
            try hold(again.utf8(.canonical) == meaning, "\(layout): what was written means something else")
            try hold(again.utf8(layout) == text, "\(layout): what was written is written otherwise a second time")
        }
    }
}
