/// The error of a field that is not a number, time or truth value: `code` is a short word, `expectation` what was expected.
public struct ValueError: Error, Sendable, Equatable {
    public let code: StaticString
    /// Goes on after "is not": "a whole number such as 1234".
    public let expectation: String
    /// A sentence about the form of the field, if that helps; otherwise empty. It contains nothing of the field itself.
    public let remark: String

    /// `expectation` goes on after "is not": "a whole number".
    public init(_ code: StaticString, _ expectation: String, remark: String = "") {
        self.code = code
        self.expectation = expectation
        self.remark = remark
    }

    public static func == (left: Self, right: Self) -> Bool {
        Bytes(left.code) == Bytes(right.code) && left.expectation == right.expectation && left.remark == right.remark
    }

    /// Two sentences for people: what `subject` ("column 'hours'", "the cell") is not, how it is written, and the remark.
    ///
    /// A field is shown by its form only (`Bytes.form`), unless `quoting` says that its text may be shown.
    public func message(_ subject: String, _ field: Bytes, quoting: Bool = false) -> String {
        let shown = quoting ? "\(subject) '\(field.prefix(40).text)\(field.count <= 40 ? "" : "…")'" : subject
        let form = quoting || field.isEmpty ? "" : " It is written like \(field.form)."
        return "\(shown) is not \(expectation).\(form)\(remark.isEmpty ? "" : " " + remark)"
    }
}

extension Bytes {
    /// The form of a field without its content: digits become 9, but zeros in front stay; letters become a and A; other
    /// characters stay where they are ASCII. At most 40 of them: `0.999,99`, `99.99.9999`, `A-99999`.
    public var form: String {
        var form = ""
        var onlyZeros = true
        for scalar in prefix(256).text.unicodeScalars.prefix(40) {
            switch scalar {
            case "0" where onlyZeros: form.unicodeScalars.append(scalar)
            case "0"..."9":
                form.append("9")
                onlyZeros = false
            case "a"..."z": form.append("a")
            case "A"..."Z": form.append("A")
            case " "..."~": form.unicodeScalars.append(scalar)
            case "\u{80}"...: form.append(scalar.properties.isAlphabetic ? "a" : scalar == "\u{FFFD}" ? "?" : "_")
            default: form.append("?")
            }
        }
        return "'" + form + (count > 256 || text.unicodeScalars.count > 40 ? "…'" : "'")
    }
}
