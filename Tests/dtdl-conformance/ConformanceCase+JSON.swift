import TwinModel

extension ConformanceCase.Result {
    /// One line: the case, and each error with its element, member and line.
    var json: JSON {
        .object([
            .init("case", .string(name)), .init("right", .bool(isVerdictRight && isErrorRight != false)),
            .init(
                "errors",
                .array(
                    errors.map { error in
                        .object([
                            .init("id", .string(error.id.rawValue)), .init("element", error.element.map { .string($0) } ?? .null),
                            .init("property", error.property.map { .string($0) } ?? .null),
                            .init("line", .int(Int64(error.place.line))), .init("message", .string(error.message)),
                        ])
                    })),
        ])
    }
}
