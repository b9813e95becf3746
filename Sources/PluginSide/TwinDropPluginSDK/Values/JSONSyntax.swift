internal import ValueRules

/// Checks that bytes are one JSON value (RFC 8259), without building it. The host judges values by the same rules.
public enum JSONSyntax {
    /// True for one value, at most `depthMax` deep, with nothing but blanks around it: in UTF-8, with no name twice in an
    /// object, no lone surrogate, and no number that neither 64 bits nor a double hold in full.
    public static func isValue(_ bytes: Bytes, depthMax: Int = 32) -> Bool { fault(in: bytes, depthMax: depthMax) == nil }

    /// What is wrong with a JSON value; nil if nothing is.
    public static func fault(in bytes: Bytes, depthMax: Int = 32) -> ValueError? {
        do throws(JSONTextFault) {
            try JSONText.check(unsafe Span(_unsafeStart: bytes.start, count: bytes.count), depthMax: depthMax)
            return nil
        } catch {
            return ValueError("not-json", "JSON", remark: "At byte \(error.offset): \(error.message).")
        }
    }
}
